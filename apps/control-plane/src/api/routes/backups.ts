import { deleteBackup, listBackups, registerBackup } from '@slacktide/application';
import { Backup, BackupInput, BackupPage, BackupPath, BackupQuery, IdPath } from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';

const tag = 'Backups';
const path = '/api/v1/maintenance/targets/{id}/backups';

export const backupEndpoints = [
  endpoint({
    method: 'post',
    path,
    permission: 'maintenance:write',
    tag,
    summary: 'Tell of a backup that was taken of a target',
    params: IdPath,
    body: BackupInput,
    idempotent: true,
    answers: { 201: { description: 'Registered', schema: Backup } },
    handle: async ({ deps, ctx, params, body }) => ({
      status: 201,
      body: await registerBackup(deps, ctx, { targetId: params.id, backup: body }),
    }),
  }),
  endpoint({
    method: 'get',
    path,
    permission: 'maintenance:read',
    tag,
    summary: 'List backups that are registered of a target, the latest taken first',
    params: IdPath,
    query: BackupQuery,
    answers: { 200: { description: 'A page', schema: BackupPage } },
    handle: async ({ deps, ctx, params, query }) => ({
      status: 200,
      body: await listBackups(deps, ctx, { targetId: params.id, ...query }),
    }),
  }),
  endpoint({
    method: 'delete',
    path: `${path}/{backup_id}`,
    permission: 'maintenance:write',
    tag,
    summary: 'Take a backup off the register; the backup itself is left alone',
    params: BackupPath,
    answers: { 204: { description: 'No longer registered' } },
    handle: async ({ deps, ctx, params }) => {
      await deleteBackup(deps, ctx, { targetId: params.id, id: params.backup_id });
      return { status: 204 };
    },
  }),
];
