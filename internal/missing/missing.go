// Package missing tells a missing object from what else may be missing.
package missing

import (
	"errors"
	"io/fs"
)

// NotObject returns an error with the text of err that does not match
// [fs.ErrNotExist], so that a file that is missing, of credentials or a socket, say,
// is not taken for an object that is.
func NotObject(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(err.Error())
	}
	return err
}
