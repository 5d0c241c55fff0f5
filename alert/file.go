package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/vfs"
)

const (
	// memoryFile is the file of a spool that has the memory.
	memoryFile = "alerts.json"
	// memoryLock is held while somebody evaluates.
	memoryLock = "alerts.lock"
	// block is of what size the file is a multiple, in bytes, so that mostly it can be
	// overwritten in place on a full disk.
	block = 8 << 10
)

// place is the spool with the memory, under the lock.
type place struct {
	fsys    vfs.FS
	lock    io.Closer
	content []byte // of the file, as far as it is known
}

// openPlace locks the memory in a spool. The error matches vfs.ErrLocked if somebody else
// evaluates.
func openPlace(spool string) (*place, error) {
	if _, err := os.Stat(spool); err != nil { // vfs.Dir would make it
		return nil, err
	}
	fsys, err := vfs.Dir(spool)
	if err != nil {
		return nil, err
	}
	if info, err := fsys.Stat("."); err != nil || info.Foreign { // its user could not read what is made now
		fsys.Close()
		if err == nil {
			err = fmt.Errorf("the spool belongs to another user, who should run this: %w", fs.ErrPermission)
		}
		return nil, err
	}
	lock, err := fsys.Lock(memoryLock)
	if err != nil {
		fsys.Close()
		return nil, err
	}
	return &place{fsys: fsys, lock: lock}, nil
}

func (p *place) close() {
	p.lock.Close()
	p.fsys.Close()
}

// errForgotten is the error of a memory that cannot be used.
var errForgotten = errors.New("what alerts were sent is not known any more, and begins anew")

// read returns what is remembered, an empty memory if there is nothing. A file that is torn,
// or is none, is errForgotten.
func (p *place) read() (*memory, error) {
	content, err := vfs.ReadFile(p.fsys, memoryFile)
	if errors.Is(err, fs.ErrNotExist) {
		return &memory{}, nil
	}
	if errors.Is(err, vfs.ErrOdd) { // write replaces it
		return &memory{}, errForgotten
	}
	if err != nil {
		return &memory{}, err
	}
	m, err := decode(content)
	if err == nil {
		p.content = content
	}
	return m, err
}

// decode returns the memory that a file has, an empty one and errForgotten if it has none.
func decode(content []byte) (*memory, error) {
	m := &memory{}
	if err := json.Unmarshal(content, m); err != nil || m.isTorn() {
		return &memory{}, errForgotten
	}
	return m, nil
}

// isTorn reports whether there are holes where there cannot be any, or something is there
// twice, of which only one would ever be over.
func (m *memory) isTorn() bool {
	codes := map[health.Code]bool{}
	for _, c := range m.Causes {
		if c == nil || codes[c.Code] {
			return true
		}
		codes[c.Code] = true
		streams := map[string]bool{}
		for _, s := range c.Symptoms {
			if streams[s.Stream] {
				return true
			}
			streams[s.Stream] = true
		}
	}
	for _, d := range m.Outbox.Waiting {
		if d == nil {
			return true
		}
	}
	return false
}

// write replaces what is remembered, if that has changed. It is durable before it has the
// name. On a full disk the file is overwritten in place.
func (p *place) write(m *memory) error {
	content, err := json.Marshal(m)
	if err != nil {
		return err
	}
	content = append(content, '\n')
	content = append(content, bytes.Repeat([]byte{' '}, (block-len(content)%block)%block)...)
	if bytes.Equal(content, p.content) { // which saves an fsync
		return nil
	}
	if err := p.replace(content); err != nil {
		return err
	}
	p.content = content
	return nil
}

func (p *place) replace(content []byte) error {
	const fresh = memoryFile + ".new"
	if err := vfs.Remove(p.fsys, fresh); err != nil {
		return err
	}
	err := vfs.WriteNew(p.fsys, fresh, content)
	if err == nil {
		return p.fsys.Rename(fresh, memoryFile)
	}
	p.fsys.Remove(fresh) // what it took is wanted for fetches
	if vfs.NoSpace(err) {
		if inPlace := vfs.Overwrite(p.fsys, memoryFile, content); inPlace == nil {
			return nil
		}
	}
	return err
}
