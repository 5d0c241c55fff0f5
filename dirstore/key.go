package dirstore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"example.com/rotatelog"
)

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func checkKey(key string) error {
	top, _, _ := strings.Cut(key, "/")
	if !fs.ValidPath(key) || key == "." || strings.ContainsAny(key, "\\\x00") || strings.EqualFold(top, ownDir) {
		return fmt.Errorf("%w: %w: the key %q is not a relative path with slashes, without . and .., and not in %s",
			rotatelog.ErrPermanent, fs.ErrInvalid, key, ownDir)
	}
	return nil
}
