// Shows the OpenAPI document as a page. What it shows is set as text, never as markup.
'use strict';

const make = (name, text, ...children) => {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
};

const word = (schema) => {
  if (!schema || Object.keys(schema).length === 0) return 'anything';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf) return schema.anyOf.map(word).join(' | ');
  if (schema.type === 'array') return `list of ${word(schema.items)}`;
  return [].concat(schema.type ?? 'anything').join(' | ');
};

const table = (rows) => {
  const head = make('tr', '', ...['Name', 'Where', 'Shape'].map((text) => make('th', text)));
  const lines = rows.map(([name, place, schema]) =>
    make('tr', '', make('td', '', make('code', name)), make('td', place), make('td', word(schema))));
  return make('table', '', make('thead', '', head), make('tbody', '', ...lines));
};

const route = (path, verb, operation) => {
  const title = make('summary', '', make('span', verb.toUpperCase()), ' ', make('code', path), ` ${operation.summary}`);
  title.firstChild.className = 'verb';
  const details = make('details', '', title);
  // Made when it is opened: there are hundreds.
  details.addEventListener('toggle', () => {
    if (details.childElementCount > 1) return;
    if (operation.description) details.append(make('p', operation.description));
    const must = (required) => (required ? ', required' : '');
    const rows = (operation.parameters ?? []).map((parameter) =>
      [parameter.name, parameter.in + must(parameter.required), parameter.schema]);
    const body = operation.requestBody?.content?.['application/json']?.schema;
    for (const [name, schema] of Object.entries(body?.properties ?? {})) {
      rows.push([name, 'body' + must(body.required?.includes(name)), schema]);
    }
    if (rows.length > 0) details.append(table(rows));
    for (const [status, answer] of Object.entries(operation.responses)) {
      const schema = answer.content?.['application/json']?.schema;
      details.append(make('p', `${status}: ${answer.description} ${schema ? word(schema) : ''}`));
    }
  });
  details.dataset.text = `${verb} ${path} ${operation.summary}`.toLowerCase();
  return details;
};

const show = (openapi) => {
  const sections = new Map();
  for (const [path, verbs] of Object.entries(openapi.paths)) {
    for (const [verb, operation] of Object.entries(verbs)) {
      const tag = operation.tags[0];
      if (!sections.has(tag)) sections.set(tag, make('section', '', make('h2', tag)));
      sections.get(tag).append(route(path, verb, operation));
    }
  }
  const schemas = make('section', '', make('h2', 'Shapes'));
  for (const [name, schema] of Object.entries(openapi.components.schemas)) {
    const shape = make('details', '', make('summary', name), make('pre', JSON.stringify(schema, null, 2)));
    shape.dataset.text = name.toLowerCase();
    schemas.append(shape);
  }
  const names = [...sections.keys()].sort();
  document.getElementById('routes').replaceChildren(...names.map((name) => sections.get(name)), schemas);
};

const search = document.getElementById('search');
search.addEventListener('input', () => {
  const words = search.value.toLowerCase().split(/\s+/);
  for (const section of document.querySelectorAll('section')) {
    let found = false;
    for (const item of section.querySelectorAll('details')) {
      item.hidden = !words.every((part) => item.dataset.text.includes(part));
      found ||= !item.hidden;
    }
    section.hidden = !found;
  }
});

fetch('/rest/v0/docs/swagger.json')
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    document.querySelector('[role=status]').textContent = `The document cannot be read: ${error.message}`;
  });
