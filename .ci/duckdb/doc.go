// Package duckdb is empty but for its tests, which run the SQL of docs/READING.md. They need
// cgo, and the tag duckdb:
//
//	go test -tags duckdb .
//
// The module keeps DuckDB away from the library.
package duckdb
