// Validates Kubernetes objects, YAML on standard input, against the schemas of their kinds. Standard error: what is wrong,
// a line each; standard output: the objects, as JSON. Exit status 1 if anything is wrong.
//
// The published validators (kubernetes-models) are generated code that looks at every field of its schema, but passes over
// others. So they are given objects that remember what was looked at: a field that nobody looked at is unknown.
import {readFileSync} from "node:fs";
import yaml from "js-yaml";

// {proxy, unread()}: the paths of fields below `value` that were never read.
function watch(value, path) {
  if (value === null || typeof value !== "object") return {proxy: value, unread: () => []};
  const read = new Set();
  const children = new Map(Object.keys(value).map((key) => [key, watch(value[key], `${path}.${key}`)]));
  const proxy = new Proxy(value, {
    get(target, key) {
      read.add(key);
      return children.has(key) ? children.get(key).proxy : target[key];
    },
  });
  const unread = () =>
    [...children].flatMap(([key, child]) => (read.has(key) ? child.unread() : [`${path}.${key}: unknown field`]));
  return {proxy, unread};
}

// "apps/v1" "Deployment": IoK8sApiAppsV1Deployment.
function schemaName(apiVersion, kind) {
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["core", apiVersion];
  const capital = (word) => word[0].toUpperCase() + word.slice(1);
  return `IoK8sApi${capital(group.split(".")[0])}${capital(version)}${kind}`;
}

async function problems(object) {
  const {apiVersion, kind} = object;
  let schema;
  try {
    schema = await import(`kubernetes-models/_schemas/${schemaName(apiVersion, kind)}`);
  } catch (error) {
    return [`no schema for ${apiVersion} ${kind}: ${error.message}`];
  }
  const {proxy, unread} = watch(object, "");
  const valid = schema.validate(proxy);
  const errors = valid ? [] : schema.validate.errors;
  return [...errors.map((e) => `${e.instancePath}: ${e.keyword} ${JSON.stringify(e.params)}`), ...unread()];
}

const objects = yaml.loadAll(readFileSync(0, "utf8")).filter((object) => object !== null);
let failed = false;
for (const object of objects) {
  for (const problem of await problems(object)) {
    failed = true;
    console.error(`${object.kind} ${object.metadata?.name}: ${problem}`);
  }
}
console.log(JSON.stringify(objects));
process.exitCode = failed ? 1 : 0;
