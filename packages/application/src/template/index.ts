export { getTemplate } from './get-template.ts';
export { listTemplates } from './list-templates.ts';
export { registerTemplate } from './register-template.ts';
export { retireTemplate } from './retire-template.ts';
