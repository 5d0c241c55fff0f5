package rotatelog

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"strings"
	"sync"

	"example.com/rotatelog/internal/vfs"
)

// A full disk must not keep what waits from the store, since to upload it is
// what makes room. So the spool has a reserve: a few files that were written in
// advance. Where there is no room for a small file that uploading needs, or
// sealing, one of the reserve is overwritten in place, which takes neither a block
// nor an inode, and renamed. It is not for fetches.
//
// On a copy-on-write file system overwriting takes new blocks. There it helps only
// that the file which is replaced gives its own back.

const (
	reserveFiles = 8
	reserveSize  = 128 << 10 // of each file, in bytes
	leastReserve = 2 << 10   // of a file where there is little room
)

// reserve is a directory of files. Several processes may take from it at once.
// To fill it takes the append lock.
type reserve struct {
	fs   vfs.FS
	dir  string
	size int64 // negative: there is none

	taken *taken
}

// taken counts the files of a reserve that were taken, as far as a process knows.
type taken struct {
	mu      sync.Mutex // guards missing
	missing int
}

// slot returns the name of a file of the reserve.
func (r *reserve) slot(n int) string { return path.Join(r.dir, fmt.Sprintf("%d", n)) }

// open makes the directory, and looks at what is in it.
func (r *reserve) open() error {
	if r.size < 0 {
		return nil
	}
	if err := r.fs.Mkdir(r.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	names, err := r.names()
	r.note(reserveFiles - len(names))
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
func (r *reserve) names() ([]string, error) {
	all, err := r.fs.ReadDir(r.dir)
	var names []string
	for _, name := range all {
		if len(name) == 1 && strings.Contains("0123456789", name) {
			names = append(names, path.Join(r.dir, name))
		}
	}
	return names, err
}

func (r *reserve) note(missing int) {
	r.taken.mu.Lock()
	defer r.taken.mu.Unlock()
	r.taken.missing = max(missing, 0)
}

// short reports whether files are missing.
func (r *reserve) short() bool {
	r.taken.mu.Lock()
	defer r.taken.mu.Unlock()
	return r.taken.missing > 0
}

// take gives a file of the reserve that name. It is to be overwritten, and
// truncated.
func (r *reserve) take(name string) error {
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
		case noSpace(err): // the directory of name is to grow
			if err := r.fs.Remove(slot); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		default:
			return err
		}
	}
}

// pick returns a file of the reserve, counted as missing.
func (r *reserve) pick() (string, error) {
	if r.size < 0 {
		return "", errNoReserve
	}
	names, err := r.names()
	if err != nil {
		return "", err
	}
	r.note(reserveFiles - len(names) + 1)
	if len(names) == 0 {
		return "", errNoReserve
	}
	return names[len(names)-1], nil
}

var errNoReserve = errors.New("the reserve is used up")

// helped does something that needs next to no room, such as to add a name to a
// directory. If there is none, a file of the reserve is removed.
func (r *reserve) helped(do func() error) error {
	err := do()
	if !noSpace(err) {
		return err
	}
	slot, none := r.pick()
	if none != nil || r.fs.Remove(slot) != nil {
		return err
	}
	return do()
}

// fill makes the files that are missing, as large as the others; if there are none,
// smaller ones where there is little room. An error of noSpace says that there is
// none. It leaves as much room as it takes.
func (r *reserve) fill() error {
	if !r.short() {
		return nil
	}
	names, err := r.names()
	if err != nil {
		return err
	}
	least := r.size
	if len(names) == 0 {
		least = min(leastReserve, r.size)
	}
	for size := r.size; size >= least; size /= 8 {
		if err = r.fillWith(names, size); !noSpace(err) {
			r.size = size
			return err
		}
	}
	return err
}

func (r *reserve) fillWith(names []string, size int64) (err error) {
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
	}
	missing := reserveFiles - len(names)
	room := path.Join(r.dir, "room")
	if err := r.write(room, size*int64(missing), false); err != nil {
		return err
	}
	for n := 0; n < reserveFiles && err == nil; n++ {
		if there[r.slot(n)] {
			continue
		}
		if err = r.add(r.slot(n), size); err == nil {
			missing--
		}
	}
	r.note(missing)
	return errors.Join(err, r.remove(room), r.fs.SyncDir(r.dir))
}

// add makes one file. It has its name only once it is whole: somebody may take it
// at once.
func (r *reserve) add(slot string, size int64) error {
	name := path.Join(r.dir, "new")
	err := r.write(name, size, true)
	if err == nil {
		err = r.fs.Rename(name, slot)
	}
	if err != nil {
		return errors.Join(err, r.remove(name))
	}
	return nil
}

// write makes a file of that many bytes, which no file system can compress.
func (r *reserve) write(name string, size int64, sync bool) error {
	if err := r.remove(name); err != nil { // of a process that was killed
		return err
	}
	f, err := r.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	bytes := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(bytes)
	if _, err = f.WriteAt(bytes, 0); err == nil && sync {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, r.remove(name))
	}
	return nil
}

func (r *reserve) remove(name string) error {
	err := r.fs.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
