/** Families of functions that no template may call, whatever their schema, and why. */
const families: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^pg_(?:read_|ls_|stat_file$|file_|logdir_)/, 'reads or writes files of the server'],
  [/^(?:lo_|lowrite$|loread$)/, 'moves large objects, and files of the server with them'],
  [/^dblink/, 'opens sessions to other databases'],
  [/^pg_(?:terminate_backend|cancel_backend|log_backend)/, 'reaches into other sessions'],
  [
    /^pg_(?:reload_conf|rotate_logfile|promote|switch_wal|switch_xlog|create_restore_point)/,
    'changes how the server runs',
  ],
  [/^pg_(?:start_backup|stop_backup|backup_start|backup_stop|wal_replay_|xlog_replay_)/, 'changes how the server runs'],
  [
    /^pg_(?:create_(?:physical|logical)_|drop_replication_|copy_(?:physical|logical)_|replication_|logical_|sync_replication_)/,
    'changes replication',
  ],
  [/^pg_(?:try_)?advisory_/, 'takes or frees the lock that keeps other maintenance off the target'],
  [
    /^(?:set_config|current_setting|pg_show_all_settings|pg_show_all_file_settings)$/,
    'changes or shows settings, of which some are secret',
  ],
  [/^(?:query|cursor|table|schema|database)_to_xml/, 'runs SQL that stands in a text'],
  [
    /^(?:ts_stat|ts_rewrite|crosstab\w*|connectby|xpath_table|plpgsql_\w+|plperl_\w+|plpython\w*|pltcl_\w+)$/,
    'runs SQL or code that stands in a text',
  ],
  [/^pg_(?:notify|export_snapshot|import_)/, 'reaches beyond its own statement'],
  [
    /^pg_(?:hba_file_rules|ident_file_mappings|config$|get_shmem_|get_backend_memory_contexts)/,
    'shows how the server is set up',
  ],
  [/^binary_upgrade_|^pg_extension_config_dump$|^pg_nextoid$/, 'belongs to the tools of the server'],
  [/^pg_(?:restore|clear)_(?:relation|attribute)_stats$/, 'rewrites statistics by hand'],
];

/** Functions of the server's own that change something, and so are not done twice for nothing. */
const changing =
  /^(?:nextval|setval|pg_stat\w*_reset\w*|pg_prewarm|autoprewarm\w*|brin_\w+|gin_clean_pending_list|pg_truncate_visibility_map|heap_force_\w+)$/;

/** Why no template may call a function of this name, in any schema; undefined when it may. */
export function refusedFunction(name: string): string | undefined {
  return families.find(([pattern]) => pattern.test(name))?.[1];
}

/** True for functions of the server's own whose calls change something. */
export function isChangingFunction(name: string): boolean {
  return changing.test(name);
}

/** Relations of the system that hold secrets. */
const secretRelations = new Set([
  'pg_authid',
  'pg_shadow',
  'pg_user_mapping',
  'pg_user_mappings',
  'pg_subscription',
  'pg_settings',
  'pg_file_settings',
  'pg_hba_file_rules',
  'pg_ident_file_mappings',
  'pg_largeobject',
  'pg_foreign_server',
  'user_mapping_options',
  'foreign_server_options',
]);

/** True for relations of the system that may hold passwords, settings or files. */
export function isSecretRelation(name: string): boolean {
  return secretRelations.has(name);
}
