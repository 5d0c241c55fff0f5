// Package bench compares rotatelog with what it replaces and with its alternatives:
// the script that moved the whole day at each upload, a GET and a PUT of the whole
// object, a bare write and fsync, timberjack, and tidwall/wal.
//
// ./run measures everything and rewrites docs/BENCHMARKS.md. It prints its own
// help. Benchmarks judge nothing; the tests here check that they measure
// correctly.
//
// Those that need a server look for it where the other tests do, in
// ROTATELOG_RGW_ENDPOINT and ROTATELOG_VERSITY_ENDPOINT, and skip without.
package bench
