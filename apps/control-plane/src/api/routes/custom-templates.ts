import { getTemplate, listTemplates, registerTemplate, retireTemplate } from '@slacktide/application';
import {
  CustomTemplate,
  CustomTemplateInput,
  CustomTemplatePage,
  CustomTemplateQuery,
  TemplatePath,
  TemplateVersionPath,
} from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';

const tag = 'Custom templates';
const path = '/api/v1/maintenance/custom-templates';

export const customTemplateEndpoints = [
  endpoint({
    method: 'post',
    path,
    // Whoever may run tasks later runs this SQL with the rights of the target's role.
    permission: 'maintenance:admin',
    tag,
    summary: 'Register SQL that CUSTOM tasks may run, as the next version of its name',
    body: CustomTemplateInput,
    idempotent: true,
    answers: { 201: { description: 'Registered; `Location` names the version', schema: CustomTemplate } },
    handle: async ({ deps, ctx, body }) => {
      const template = await registerTemplate(deps, ctx, body);
      return {
        status: 201,
        body: template,
        headers: { location: `${path}/${template.name}/versions/${template.version}` },
      };
    },
  }),
  endpoint({
    method: 'get',
    path,
    permission: 'maintenance:read',
    tag,
    summary: 'List templates, every version of them, newest first',
    query: CustomTemplateQuery,
    answers: { 200: { description: 'A page', schema: CustomTemplatePage } },
    handle: async ({ deps, ctx, query }) => ({ status: 200, body: await listTemplates(deps, ctx, query) }),
  }),
  endpoint({
    method: 'get',
    path: `${path}/{name}`,
    permission: 'maintenance:read',
    tag,
    summary: 'Get the newest version of a template',
    params: TemplatePath,
    answers: { 200: { description: 'The version, retired or not', schema: CustomTemplate } },
    handle: async ({ deps, ctx, params }) => ({ status: 200, body: await getTemplate(deps, ctx, params) }),
  }),
  endpoint({
    method: 'get',
    path: `${path}/{name}/versions/{version}`,
    permission: 'maintenance:read',
    tag,
    summary: 'Get one version of a template',
    params: TemplateVersionPath,
    answers: { 200: { description: 'The version', schema: CustomTemplate } },
    handle: async ({ deps, ctx, params }) => ({ status: 200, body: await getTemplate(deps, ctx, params) }),
  }),
  endpoint({
    method: 'post',
    path: `${path}/{name}/versions/{version}/retire`,
    permission: 'maintenance:admin',
    tag,
    summary: 'Take a version out of use, for good',
    params: TemplateVersionPath,
    idempotent: true,
    answers: { 200: { description: 'Retired', schema: CustomTemplate } },
    handle: async ({ deps, ctx, params }) => ({ status: 200, body: await retireTemplate(deps, ctx, params) }),
  }),
];
