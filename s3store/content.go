package s3store

import "path"

// contentTypeOf returns the Content-Type of an object. There is no
// Content-Encoding: some clients would decompress what they then save as .gz.
func contentTypeOf(key string) string {
	switch path.Ext(key) {
	case ".zst":
		return "application/zstd"
	case ".gz":
		return "application/gzip"
	}
	return "application/json"
}
