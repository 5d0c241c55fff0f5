// Package copymark says in the metadata of an object of which version it is a copy.
package copymark

import (
	"crypto/sha256"
	"fmt"
	"maps"

	"example.com/rotatelog"
)

// name is that of the mark among the metadata.
const name = "rotatelog-copy-of"

// maxMeta is less than how many bytes of metadata a Store takes.
const maxMeta = 2 << 10

// Meta returns the metadata of a copy of a version of from: that of the version, and
// the mark. If that is too much, it is the mark alone.
func Meta(from string, o rotatelog.Object) map[string]string {
	marked := maps.Clone(o.Meta)
	if marked == nil {
		marked = map[string]string{}
	}
	marked[name] = mark(from, o.Version, o.Size)
	size := 0
	for name, value := range marked {
		size += len(name) + len(value)
	}
	if size >= maxMeta {
		return map[string]string{name: marked[name]}
	}
	return marked
}

// IsCopy reports whether an object is a whole copy of version v of from.
func IsCopy(o rotatelog.Object, from string, v rotatelog.Version) bool {
	return o.Meta[name] == mark(from, v, o.Size)
}

// mark names a version, its size, and its key by a hash, since keys may be long.
func mark(from string, v rotatelog.Version, size int64) string {
	return fmt.Sprintf("%s %d %.8x", v, size, sha256.Sum256([]byte(from)))
}
