// Package missing distinguishes a missing object from other missing things.
package missing

import (
	"errors"
	"io/fs"
)

// NotObject returns an error with the text of err that does not match
// [fs.ErrNotExist], so that a missing file, such as one of credentials, is not taken
// for a missing object.
func NotObject(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(err.Error())
	}
	return err
}
