package rotatelog

import (
	"fmt"
	"slices"

	"example.com/rotatelog/internal/packed"
)

// Compression says how daily objects are compressed.
type Compression int

const (
	// Uncompressed daily objects are JSON as it is.
	Uncompressed Compression = iota
	// Zstd objects have keys that end with .json.zst; zstd -d reads them. Batches
	// of fetches that are nearly equal shrink about 40 times.
	Zstd
	// Gzip objects have keys that end with .json.gz, and are for readers that
	// have nothing else: they are about ten times larger.
	Gzip
)

// allCompressions returns all that there are.
func allCompressions() [3]Compression { return [...]Compression{Uncompressed, Zstd, Gzip} }

func (c Compression) known() bool {
	all := allCompressions()
	return slices.Contains(all[:], c)
}

// String returns "none", "zstd" or "gzip".
func (c Compression) String() string {
	switch c {
	case Uncompressed:
		return "none"
	case Zstd:
		return "zstd"
	case Gzip:
		return "gzip"
	}
	return fmt.Sprintf("Compression(%d)", int(c))
}

// MarshalText implements [encoding.TextMarshaler].
func (c Compression) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It parses what String
// returns.
func (c *Compression) UnmarshalText(b []byte) error {
	for _, known := range allCompressions() {
		if known.String() == string(b) {
			*c = known
			return nil
		}
	}
	return fmt.Errorf("compression %q is neither none, zstd nor gzip", b)
}

// format returns how pieces of a compressed object are compressed. The zero format is
// of no compression.
func (c Compression) format() packed.Format {
	switch c {
	case Zstd:
		return packed.Zstd
	case Gzip:
		return packed.Gzip
	}
	return 0
}

// packOf returns the compression that has a suffix.
func packOf(suffix string) (Compression, bool) {
	for _, c := range allCompressions() {
		if c != Uncompressed && c.suffix() == suffix {
			return c, true
		}
	}
	return Uncompressed, false
}

// suffix returns what ends the names of files that are compressed so.
func (c Compression) suffix() string {
	switch c {
	case Zstd:
		return "zst"
	case Gzip:
		return "gz"
	}
	return ""
}
