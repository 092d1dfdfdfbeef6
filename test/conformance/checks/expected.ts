import type { PostgresMajor } from '../../support/postgres.ts';

/** What is found on every major: `<severity> <fingerprint>`, sorted, by check. Checks that are not here find nothing. */
const everywhere: Readonly<Record<string, readonly string[]>> = {
  invalid_constraint: [
    'critical constraint:shop.payments.payments_positive',
    `warning constraint:o'd"d; --.Kid.Kid; check`,
    'warning constraint:shop.payments.payments_method',
    'warning constraint:shop.payments.payments_order',
    'warning constraint:stock.far.far_later',
    'warning disabled_constraint:shop.vouchers.vouchers_customer_fkey',
    'warning domain_constraint:shop.percentage.percentage_range',
  ],
  invalid_index: [
    'warning index:shop.items_8_invalid',
    'warning index:shop.orders_status',
    'warning index:shop.payments_amount',
    'warning index:shop.payments_method',
  ],
  orphaned_index: ['info index:shop.orders_2022_customer_id_idx', 'warning index:shop.customers_city_asc_ccnew'],
  stale_advisory_lock: ['warning the forgotten session'],
  stale_operation: ['warning the forgotten session'],
  unused_index: [
    'info index:stock.moves_day',
    'warning index:booking.bookings_room_during',
    `warning index:o'd"d; --.we"ird; --1`,
    `warning index:o'd"d; --.we"ird; --2`,
    `warning index:o'd"d; --.we"ird; --3`,
    'warning index:shop.code',
    'warning index:shop.customers_attributes',
    'warning index:shop.customers_attributes_path',
    'warning index:shop.customers_brin',
    'warning index:shop.customers_brin_128',
    'warning index:shop.customers_brin_32',
    'warning index:shop.customers_city_asc',
    'warning index:shop.customers_city_desc',
    'warning index:shop.customers_country_city',
    'warning index:shop.customers_dead',
    'warning index:shop.customers_deleted_eager',
    'warning index:shop.customers_deleted_lazy',
    'warning index:shop.customers_email_idx',
    'warning index:shop.customers_live',
    'warning index:shop.customers_live_wide',
    'warning index:shop.customers_lower_1',
    'warning index:shop.customers_lower_2',
    'warning index:shop.customers_lower_city',
    'warning index:shop.customers_name_1',
    'warning index:shop.customers_name_2',
    'warning index:shop.customers_name_c',
    'warning index:shop.customers_name_c_ccnew',
    'warning index:shop.customers_name_pattern',
    'warning index:shop.customers_new',
    'warning index:shop.customers_old',
    'warning index:shop.customers_phone_both',
    'warning index:shop.customers_phone_city',
    'warning index:shop.customers_phone_hash',
    'warning index:shop.customers_phone_htob',
    'warning index:shop.customers_phone_name',
    'warning index:shop.customers_trgm_12',
    'warning index:shop.customers_trgm_64',
    'warning index:shop.customers_trgm_gin',
    'warning index:shop.items_3_some',
    'warning index:shop.items_5_brin',
    'warning index:shop.items_6_included',
    'warning index:shop.items_7_expression',
    'warning index:shop.items_sku_1_c',
    'warning index:shop.label',
    'warning index:shop.labels_note_lang',
    'warning index:shop.labels_rank_plain',
    'warning index:shop.orders_2022_customer_id_idx',
    'warning index:shop.orders_2023_id_total',
    'warning index:shop.orders_2023_total_own',
    'warning index:shop.orders_customer_status',
    'warning index:stock.child_a',
    'warning index:stock.ledger_entry',
    'warning index:stock.logs_at',
    'warning index:stock.parent_a',
  ],
  duplicate_index: [
    'info index:shop.labels_sku_2',
    'warning index:booking.rooms_id',
    `warning index:o'd"d; --.we"ird; --3`,
    'warning index:shop.customers_brin_128',
    'warning index:shop.customers_lower_2',
    'warning index:shop.customers_name_2',
    'warning index:shop.customers_phone_htob',
    'warning index:shop.labels_slug_1',
    'warning index:shop.orders_2023_total_own',
  ],
  redundant_index: [
    'info index:shop.customers_old',
    'info index:shop.labels_note',
    'warning index:booking.bookings_room_during',
    'warning index:shop.customers_country',
    'warning index:shop.customers_email_idx',
    'warning index:shop.customers_live',
    'warning index:shop.customers_name_c',
    'warning index:shop.customers_phone_city',
    'warning index:shop.customers_phone_name',
    'warning index:shop.labels_rank_plain',
    'warning index:shop.orders_customer',
  ],
  index_bloat: [
    'info index:shop.customers_trgm_gin',
    'warning index:stock.ledger_entry',
    'warning index:stock.ledger_pkey',
  ],
  table_bloat: ['info table_free_space:stock.ledger', 'warning table_dead_rows:stock.moves'],
  missing_fk_index: [
    'info constraint:booking.bookings.bookings_guest_fkey',
    'info constraint:booking.bookings.bookings_room_fkey',
    `info constraint:o'd"d; --.Kid.Kid; fk`,
    `info constraint:o'd"d; --.üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüx.üüüüüüüüüüüüüü_ßßßßßßßßßßßßßß_fkey`,
    'info constraint:shop.customers.customers_referred_by_fkey',
    'info constraint:shop.items.items_product_3_fkey',
    'info constraint:shop.items.items_product_5_fkey',
    'info constraint:shop.items.items_product_6_fkey',
    'info constraint:shop.items.items_product_7_fkey',
    'info constraint:shop.items.items_product_8_fkey',
    'info constraint:shop.items.items_product_9_sku_3_fkey',
    'info constraint:shop.items.items_sku_1_fkey',
    'info constraint:shop.orders.orders_ship_to_fkey',
    'info constraint:shop.payments.payments_order',
    'warning constraint:shop.orders.orders_coupon_id_fkey',
    'warning constraint:stock.empty.empty_move_fkey',
  ],
  matview_index: [
    'info matview_unique_index:shop.revenue',
    'info matview_unique_index:shop.revenue_partial',
    'warning unpopulated_matview:shop.revenue_later',
  ],
  stale_statistics: ['warning table:stock.logs', 'warning table:stock.never_analysed'],
  security: [
    'info function:shop.definer_bare():search_path',
    'info procedure:shop.definer_open(text):search_path',
    'info role:shop_monitor:password_never_expires',
    'info role:shop_nobody:password_never_expires',
    'info table:shop.locked_up:rls_without_policy',
    'info view:shop.all_posts:bypasses_rls',
    'warning function:shop.definer_powerful(integer, integer):search_path',
    'warning policy:shop.posts.anyone:always_true',
    'warning schema:dropbox:public_create',
    'warning table:shop.notes:rls_disabled',
  ],
};

/** The differences between majors, each with its reason. */
const onlySome: readonly {
  readonly check: string;
  readonly found: string;
  readonly on: (major: PostgresMajor) => boolean;
}[] = [
  // NOT NULL has a row in pg_constraint, and can be left unvalidated, since 18.
  {
    check: 'invalid_constraint',
    found: 'warning constraint:shop.payments.payments_method_known',
    on: (major) => major >= 18,
  },
  // Databases made before 15 let everybody create in schema public.
  { check: 'security', found: 'warning schema:public:public_create', on: (major) => major < 15 },
];

/** What the fixture holds for the checks on this major, as `foundIn` tells it. */
export function expectedOn(major: PostgresMajor): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(everywhere).map(([check, found]) => {
      const here = onlySome.filter((each) => each.check === check && each.on(major)).map((each) => each.found);
      return [check, [...found, ...here].toSorted()];
    }),
  );
}
