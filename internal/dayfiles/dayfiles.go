// Package dayfiles reads days that lie about as files: downloaded ones, those of an
// export, or copies that a restore has kept.
package dayfiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"sync"

	"example.com/rotatelog"
)

// Store is a rotatelog.Store of a file, or of the files in a directory and in the folders
// directly below it. Writing is an error. An object has no metadata.
type Store struct {
	files map[string]string // by how the name of a day's file ends, such as _json_log_2025-07-06.json
}

// dayFile is how the name of a day's file ends, and what may follow where it was kept.
var dayFile = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(_json_log_[0-9]{4}-[0-9]{2}-[0-9]{2}\.json(?:\.zst|\.gz)?)(-[^/]*)?$`)
})

// exported is the path of a day's object in the folder of an export.
var exported = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|/)day=([0-9]{4}-[0-9]{2}-[0-9]{2})/([^/]+)\.(json(?:\.zst|\.gz)?)$`)
})

// nameOf returns how the name of a day's file ends in a bucket, for a file that may be an
// export of it.
func nameOf(file, stream string) (name string, ok bool) {
	if m := dayFile().FindStringSubmatch(file); m != nil {
		return m[1], true
	}
	m := exported().FindStringSubmatch(filepath.ToSlash(file))
	if m == nil || m[2] != stream {
		return "", false
	}
	return "_json_log_" + m[1] + "." + m[3], true
}

// Open returns the store of a file, or of the files of a stream in a directory. Its error
// matches fs.ErrNotExist if there is nothing, or no day of the stream in it.
func Open(name, stream string) (*Store, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	s := &Store{map[string]string{}}
	if !info.IsDir() {
		path, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		day, ok := nameOf(path, stream)
		if !ok {
			return nil, fmt.Errorf("the name of %s does not say which day it is: call it as in a bucket, %s_json_log_2025-07-06.json", name, stream)
		}
		s.files[day] = name
		return s, nil
	}
	for _, pattern := range []string{"day=*/" + stream + ".json*", "*/" + stream + "_json_log_*", stream + "_json_log_*"} {
		found, err := fs.Glob(os.DirFS(name), pattern)
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if m := dayFile().FindStringSubmatch(file); m != nil && m[2] != "" {
				continue // a copy that a restore has kept
			}
			if day, ok := nameOf(file, stream); ok {
				s.files[day] = filepath.Join(name, file)
			}
		}
	}
	if len(s.files) == 0 {
		return nil, fmt.Errorf("%s has no daily object of %s: %w", name, stream, fs.ErrNotExist)
	}
	return s, nil
}

// file opens the file of a key.
func (s *Store) file(key string) (*os.File, rotatelog.Object, error) {
	m := dayFile().FindString(path.Base(key))
	name, ok := s.files[m]
	if !ok {
		return nil, rotatelog.Object{}, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, rotatelog.Object{}, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, rotatelog.Object{}, err
	}
	version := rotatelog.Version(fmt.Sprintf("%d-%d", info.ModTime().UnixNano(), info.Size()))
	return f, rotatelog.Object{Version: version, Size: info.Size()}, nil
}

// Stat implements [rotatelog.Store].
func (s *Store) Stat(_ context.Context, key string) (rotatelog.Object, error) {
	f, object, err := s.file(key)
	if err != nil {
		return object, err
	}
	return object, f.Close()
}

// Read implements [rotatelog.Store].
func (s *Store) Read(_ context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	f, object, err := s.file(key)
	if err != nil {
		return nil, err
	}
	if n < 0 {
		n = object.Size - off
	}
	switch {
	case object.Version != v:
		err = fmt.Errorf("%s: %w", f.Name(), rotatelog.ErrConflict)
	case off < 0 || off+n > object.Size:
		err = fmt.Errorf("%s: it has %d bytes, not those from %d to %d", f.Name(), object.Size, off, off+n)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, off, n), f}, nil
}

// Write implements [rotatelog.Store]. It is an error.
func (s *Store) Write(_ context.Context, key string, _ rotatelog.Version, _ []rotatelog.Part, _ map[string]string) error {
	return fmt.Errorf("write %s: %w", key, errors.ErrUnsupported)
}
