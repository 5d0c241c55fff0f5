package dirstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"example.com/rotatelog"
)

// checkVersion returns nil if the current version is v.
func (s *openDir) checkVersion(key string, v rotatelog.Version) error {
	info, err := s.statFile(key)
	switch {
	case errors.Is(err, fs.ErrNotExist) && v == "":
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: it is not there", rotatelog.ErrConflict)
	case err != nil:
		return err
	case v == "":
		return fmt.Errorf("%w: it is there already", rotatelog.ErrConflict)
	case versionOf(info) != v:
		return fmt.Errorf("%w: it was replaced", rotatelog.ErrConflict)
	}
	return nil
}

// open opens version v. The file remains that version, since objects are replaced
// by renaming.
func (s *openDir) open(key string, v rotatelog.Version) (*os.File, fs.FileInfo, error) {
	if err := s.checkVersion(key, v); err != nil { // it also refuses a pipe, which would hang when opened
		return nil, nil, err
	}
	f, err := s.root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: it is not there", rotatelog.ErrConflict)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && versionOf(info) != v {
		err = fmt.Errorf("%w: it was replaced", rotatelog.ErrConflict)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func versionOf(info fs.FileInfo) rotatelog.Version {
	t := info.ModTime()
	return rotatelog.Version(fmt.Sprintf("%d.%09d-%d", t.Unix(), t.Nanosecond(), info.Size()))
}
