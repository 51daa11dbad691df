#!/usr/bin/python3
"""Tests of pythons: which Python is found, with stand-ins that can import what they are told."""

import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

import pythons


class WithModules(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        pythons.with_modules.cache_clear()
        self.addCleanup(pythons.with_modules.cache_clear)

    def python(self, name, *modules):
        """A Python that can import these modules."""
        path = self.directory / name / "python3"
        path.parent.mkdir()
        known = "|".join(f'"import {module}"' for module in (*modules, "nothing"))
        path.write_text(f'#!/bin/sh\ncase "$2" in {known}) exit 0 ;; esac\nexit 1\n')
        path.chmod(0o755)
        return str(path)

    def find(self, debians, running, on_path, *modules):
        with mock.patch.object(pythons, "DEBIANS", debians), mock.patch.object(sys, "executable", running), \
                mock.patch.dict(os.environ, PATH=str(pathlib.Path(on_path).parent)):
            return pythons.with_modules(*modules)

    def test_prefers_debians(self):
        debians, other = self.python("debian", "torch"), self.python("other", "torch")
        self.assertEqual(debians, self.find(debians, other, other, "torch"))

    def test_takes_another_that_has_what_debians_lacks(self):
        debians, running, on_path = self.python("debian"), self.python("running"), self.python("path", "torch")
        self.assertEqual(on_path, self.find(debians, running, on_path, "torch"))

    def test_finds_none_where_each_lacks_a_module(self):
        debians, other = self.python("debian", "torch"), self.python("other", "numpy")
        self.assertIsNone(self.find(debians, other, other, "torch, numpy"))

    def test_does_without_debians(self):
        other = self.python("other", "torch")
        self.assertEqual(other, self.find(str(self.directory / "none"), other, other, "torch"))


if __name__ == "__main__":
    unittest.main()
