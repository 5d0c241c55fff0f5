package daytext

import (
	"bytes"

	"example.com/rotatelog/internal/rawjson"
)

// IsOldScript reports whether text, after white space, is what the script writes that
// rotatelog replaces: a log, which is not JSON, under the key of the day's object.
func IsOldScript(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, rawjson.Space), []byte("=== FETCH START: "))
}
