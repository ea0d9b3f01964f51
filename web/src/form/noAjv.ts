// Stands in for @rjsf/validator-ajv8, which the form library imports for its own tests only: ajv compiles code, which
// the policy forbids, and is larger than the form.
export default function ajvIsNotHere(): never {
  throw new Error('the form validates with src/form/validator.ts');
}
