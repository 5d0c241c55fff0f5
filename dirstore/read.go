package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"example.com/rotatelog"
)

// stat looks at the file again if it finds no metadata: either there is none, or it
// was removed with a version that was just replaced.
func (s *openDir) stat(ctx context.Context, key string) (rotatelog.Object, error) {
	if err := checkKey(key); err != nil {
		return rotatelog.Object{}, err
	}
	before := rotatelog.Version("")
	for {
		if err := context.Cause(ctx); err != nil {
			return rotatelog.Object{}, err
		}
		info, err := s.statFile(key)
		if err != nil {
			return rotatelog.Object{}, err
		}
		o := rotatelog.Object{Version: versionOf(info), Size: info.Size()}
		if o.Version == before {
			return o, nil
		}
		// The process that renamed it may have died before it synced the directory. A
		// version is returned only once no loss of power can undo it.
		err = s.syncDirs(path.Dir(key))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just been removed
		}
		if err != nil {
			return rotatelog.Object{}, err
		}
		meta, err := s.readMeta(key, o.Version)
		if err == nil {
			o.Meta = meta
			return o, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return rotatelog.Object{}, err
		}
		before = o.Version
	}
}

func (s *openDir) read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	f, info, err := s.open(key, v)
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if n < 0 {
		n = size - off
	}
	if off < 0 || n < 0 || off > size-n {
		f.Close()
		return nil, fmt.Errorf("cannot read %d bytes at %d: it has %d", n, off, size)
	}
	return &versionReader{f, io.NewSectionReader(f, off, n), v}, nil
}

// versionReader reads a file, and checks at its end that it is still the version
// that was opened.
type versionReader struct {
	file    *os.File
	section *io.SectionReader
	version rotatelog.Version
}

func (r *versionReader) Read(p []byte) (int, error) {
	n, err := r.section.Read(p)
	if err != io.EOF {
		return n, err
	}
	info, err := r.file.Stat()
	if err != nil {
		return n, err
	}
	if versionOf(info) != r.version {
		return n, fmt.Errorf("%s was changed in place while it was read: %w", r.file.Name(), rotatelog.ErrConflict)
	}
	return n, io.EOF
}

func (r *versionReader) Close() error { return r.file.Close() }
