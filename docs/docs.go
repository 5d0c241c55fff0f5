// Package docs gives programs the documents that they print.
package docs

import _ "embed"

//go:embed TROUBLESHOOTING.md
var troubleshooting string

// Troubleshooting returns the text of TROUBLESHOOTING.md.
func Troubleshooting() string { return troubleshooting }
