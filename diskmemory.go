package rotatelog

import (
	"slices"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// A diskMemory is a disk that is looked at again and again. It lists a directory, and reads
// a small file, only if that may have changed. It must not be written to, and is not safe
// for concurrent use.
type diskMemory struct {
	vfs.FS
	dirs  recollection[[]string]
	files recollection[[]byte]
}

// A recollection is what was read before, and what is read now, by name.
type recollection[T any] struct{ before, now map[string]recalled[T] }

type recalled[T any] struct {
	info  vfs.Info // from before it was read
	value T
}

// lookAgain makes it remember what was read since it was called last, and use that.
func (m *diskMemory) lookAgain(fsys vfs.FS) {
	m.FS = fsys
	m.dirs.lookAgain()
	m.files.lookAgain()
}

func (r *recollection[T]) lookAgain() { r.before, r.now = r.now, map[string]recalled[T]{} }

// ReadDir returns the names in a directory, sorted.
func (m *diskMemory) ReadDir(name string) ([]string, error) {
	names, err := m.dirs.read(m.FS, name, m.FS.ReadDir)
	return slices.Clip(names), err // to be appended to
}

// ReadFile returns what a file holds.
func (m *diskMemory) ReadFile(name string) ([]byte, error) {
	return m.files.read(m.FS, name, func(name string) ([]byte, error) { return vfs.ReadFile(m.FS, name) })
}

// read returns what fetch reads, or has read if that cannot have changed.
func (r *recollection[T]) read(fsys vfs.FS, name string, fetch func(name string) (T, error)) (T, error) {
	looked := time.Now()
	info, err := fsys.Stat(name)
	if err != nil {
		return fetch(name)
	}
	for _, known := range []map[string]recalled[T]{r.now, r.before} {
		if last, ok := known[name]; ok && last.info == info {
			r.now[name] = last
			return last.value, nil
		}
	}
	delete(r.now, name)
	value, err := fetch(name)
	if err == nil && settled(info, looked) {
		r.now[name] = recalled[T]{info, value}
	}
	return value, err
}

// tick is how far apart two changes of a file may be and give it the same time: FAT has
// the coarsest ones, of two seconds.
const tick = 3 * time.Second

// settled reports whether a change from now on gives a file another time than it has.
func settled(info vfs.Info, now time.Time) bool {
	return now.Sub(info.ModTime) > tick // and so not if the clock was set back
}
