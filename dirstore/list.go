package dirstore

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// List implements [rotatelog.Lister]. It lists plain files, whoever made them, and not
// those of .rotatelog.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		d, err := s.current()
		if err == nil {
			w := walk{ctx: ctx, in: d, prefix: prefix, yield: yield}
			_, err = w.dir(".", nil)
		}
		if err != nil {
			yield("", opError("list", prefix, s.dir, err))
		}
	}
}

// walk is a List in progress.
type walk struct {
	ctx    context.Context
	in     *openDir
	prefix string
	yield  func(string, error) bool
}

// entry is a file or a directory whose keys may be listed.
type entry struct {
	key   string
	isDir bool
}

// first returns what all keys of the entry begin with. It sorts entries as their keys.
func (e entry) first() string {
	if e.isDir {
		return e.key + "/"
	}
	return e.key
}

// dir yields the keys in a directory. above are the directories that it is in, and more
// is false if no more keys are wanted.
func (w *walk) dir(name string, above []fs.FileInfo) (more bool, err error) {
	if err := context.Cause(w.ctx); err != nil {
		return false, err
	}
	entries, info, err := w.read(name)
	if errors.Is(err, fs.ErrNotExist) && name != "." { // it has just been removed
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
		return true, nil // a link leads back up
	}
	above = append(slices.Clip(above), info)
	for _, e := range entries {
		if e.isDir {
			if more, err := w.dir(e.key, above); !more {
				return false, err
			}
			continue
		}
		if err := context.Cause(w.ctx); err != nil {
			return false, err
		}
		if !w.yield(e.key, nil) {
			return false, nil
		}
	}
	return true, nil
}

// read returns what is wanted of a directory, in the order of the keys.
func (w *walk) read(name string) ([]entry, fs.FileInfo, error) {
	f, err := w.in.root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	found, err := f.ReadDir(-1)
	if err != nil {
		return nil, nil, err
	}
	var entries []entry
	for _, d := range found {
		e, ok, err := w.entry(path.Join(name, d.Name()), d.Type())
		if err != nil {
			return nil, nil, err
		}
		if ok {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.first(), b.first()) })
	return entries, info, nil
}

// entry returns what is at key. ok is false if that is no object, and no directory with
// keys that begin with the prefix.
func (w *walk) entry(key string, mode fs.FileMode) (e entry, ok bool, err error) {
	if checkKey(key) != nil || !strings.HasPrefix(key, w.prefix) && !strings.HasPrefix(w.prefix, key) {
		return entry{}, false, nil
	}
	if mode&fs.ModeSymlink != 0 {
		info, err := w.in.root.Stat(key)
		if leadsNowhere(err) {
			return entry{}, false, nil
		}
		if err != nil {
			return entry{}, false, err
		}
		mode = info.Mode()
	}
	e = entry{key, mode.IsDir()}
	wanted := strings.HasPrefix(e.first(), w.prefix) || e.isDir && strings.HasPrefix(w.prefix, e.first())
	return e, wanted && (e.isDir || mode.IsRegular()), nil
}

// leadsNowhere reports whether err is about a link that leads to no file of the store.
func leadsNowhere(err error) bool {
	var errno syscall.Errno
	return err != nil && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) || !errors.As(err, &errno))
}
