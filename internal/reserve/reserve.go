// Package reserve keeps files that were written in advance, for a disk that is full.
//
// A full disk must not keep what waits from the store, since to upload it is what makes
// room. So the spool has a reserve. Where there is no room for a small file that
// uploading needs, or sealing, a file of the reserve is overwritten in place, which
// takes neither a block nor an inode, and renamed. It is not for fetches.
//
// On a copy-on-write file system overwriting takes new blocks. There it helps only that
// the file which is replaced gives its own back.
package reserve

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
	"sync"

	"example.com/rotatelog/internal/vfs"
)

const (
	// Files is how many files a reserve has.
	Files = 8
	// FileSize is the usual size of a file, in bytes.
	FileSize = 128 << 10
	minSize  = 2 << 10 // of a file where there is little room
)

// Reserve is a directory of files. Several processes may take from it at once. To fill
// it takes a lock of the caller's.
type Reserve struct {
	fs   vfs.FS
	dir  string
	size int64 // of each file; negative: there is no reserve

	taken *taken
}

// taken counts the files of a reserve that were taken, as far as a process knows.
type taken struct {
	mu      sync.Mutex // guards missing
	missing int
}

// New returns the reserve in a directory, with files of that size; if that is negative,
// a reserve that never has any.
func New(fsys vfs.FS, dir string, size int64) *Reserve {
	return &Reserve{fs: fsys, dir: dir, size: size, taken: new(taken)}
}

// On returns the reserve as another part of the process uses it, through its own fsys.
func (r *Reserve) On(fsys vfs.FS) *Reserve {
	return &Reserve{fs: fsys, dir: r.dir, size: r.size, taken: r.taken}
}

// slot returns the name of a file of the reserve.
func (r *Reserve) slot(n int) string { return path.Join(r.dir, fmt.Sprintf("%d", n)) }

// Open makes the directory, and looks at what is in it.
func (r *Reserve) Open() error {
	if r.size < 0 {
		return nil
	}
	if err := r.fs.Mkdir(r.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	names, err := r.names()
	r.setMissing(Files - len(names))
	if err != nil || len(names) == 0 {
		return err
	}
	info, err := r.fs.Stat(names[0])
	if errors.Is(err, fs.ErrNotExist) { // another process took it
		return nil
	}
	if err == nil && info.Size > 0 { // there was little room when it was made
		r.size = min(r.size, info.Size)
	}
	return err
}

// names returns the files that are there.
func (r *Reserve) names() ([]string, error) {
	all, err := r.fs.ReadDir(r.dir)
	var names []string
	for _, name := range all {
		if len(name) == 1 && strings.Contains("0123456789", name) {
			names = append(names, path.Join(r.dir, name))
		}
	}
	return names, err
}

func (r *Reserve) setMissing(missing int) {
	r.taken.mu.Lock()
	defer r.taken.mu.Unlock()
	r.taken.missing = max(missing, 0)
}

// Short reports whether files are missing.
func (r *Reserve) Short() bool {
	r.taken.mu.Lock()
	defer r.taken.mu.Unlock()
	return r.taken.missing > 0
}

// Take gives a file of the reserve that name. It is to be overwritten, and truncated.
func (r *Reserve) Take(name string) error {
	for {
		slot, err := r.pick()
		if err != nil {
			return err
		}
		err = r.fs.Rename(slot, name)
		switch {
		case err == nil:
			// Before it is overwritten: after a power cut it must not have both names.
			return r.fs.SyncDir(r.dir)
		case errors.Is(err, fs.ErrNotExist): // another process took it
		case vfs.NoSpace(err): // the directory of name has to grow
			if err := vfs.Remove(r.fs, slot); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// pick returns a file of the reserve, counted as missing.
func (r *Reserve) pick() (string, error) {
	if r.size < 0 {
		return "", errNoReserve
	}
	names, err := r.names()
	if err != nil {
		return "", err
	}
	r.setMissing(Files - len(names) + 1)
	if len(names) == 0 {
		return "", errNoReserve
	}
	return names[len(names)-1], nil
}

var errNoReserve = errors.New("the reserve is used up")

// WithRoom does something that needs next to no room, such as to add a name to a
// directory. If there is no room, it removes a file of the reserve and does it again.
func (r *Reserve) WithRoom(do func() error) error {
	err := do()
	if !vfs.NoSpace(err) {
		return err
	}
	slot, none := r.pick()
	if none != nil || r.fs.Remove(slot) != nil {
		return err
	}
	return do()
}

// Fill makes the files that are missing, as large as the others. If there are none, it
// makes smaller ones where there is little room. It leaves as much room as it takes; if
// there is not that much, its error is one of vfs.NoSpace.
func (r *Reserve) Fill() error {
	if !r.Short() {
		return nil
	}
	names, err := r.names()
	if err != nil {
		return err
	}
	smallest := r.size
	if len(names) == 0 {
		smallest = min(minSize, r.size)
	}
	for size := r.size; size >= smallest; size /= 8 {
		if err = r.fillWith(names, size); !vfs.NoSpace(err) {
			r.size = size
			return err
		}
	}
	return err
}

func (r *Reserve) fillWith(names []string, size int64) (err error) {
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
	}
	missing := Files - len(names)
	room := path.Join(r.dir, "room")
	if err := r.write(room, size*int64(missing), false); err != nil {
		return err
	}
	for n := 0; n < Files && err == nil; n++ {
		if there[r.slot(n)] {
			continue
		}
		if err = r.add(r.slot(n), size); err == nil {
			missing--
		}
	}
	r.setMissing(missing)
	return errors.Join(err, vfs.Remove(r.fs, room), r.fs.SyncDir(r.dir))
}

// add makes one file. It has its name only once it is whole: somebody may take it
// at once.
func (r *Reserve) add(slot string, size int64) error {
	name := path.Join(r.dir, "new")
	err := r.write(name, size, true)
	if err == nil {
		err = r.fs.Rename(name, slot)
	}
	if err != nil {
		return errors.Join(err, vfs.Remove(r.fs, name))
	}
	return nil
}

// write makes a file of that many bytes, which no file system can compress.
func (r *Reserve) write(name string, size int64, synced bool) error {
	if err := vfs.Remove(r.fs, name); err != nil { // of a process that was killed
		return err
	}
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(content)
	write := vfs.WriteUnsynced
	if synced {
		write = vfs.WriteNew
	}
	if err := write(r.fs, name, content); err != nil {
		return errors.Join(err, vfs.Remove(r.fs, name))
	}
	return nil
}
