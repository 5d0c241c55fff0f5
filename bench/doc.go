// Package bench measures rotatelog beside what it replaces and what it could be
// mistaken for: the script that moved the whole day at each upload, a GET and a
// PUT of the whole object, a bare write and fsync, timberjack, and tidwall/wal.
//
// ./run measures everything and rewrites docs/BENCHMARKS.md. It prints its own
// help. Benchmarks judge nothing; the tests here hold that what measures is
// right.
//
// Those that need a server look for it where the other tests do, in
// ROTATELOG_RGW_ENDPOINT and ROTATELOG_VERSITY_ENDPOINT, and skip without.
package bench
