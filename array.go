package rotatelog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// array is the file that is being filled, such as all_api.json: at every moment
// one valid JSON array of the batch's fetches. Appending overwrites the closing
// bytes with the record and a new close, so it costs the record, not the file.
//
// The records are kept in memory too. Whatever happens to the file, such as a failed
// fsync or an editor that empties it, it can be rebuilt in a new inode. An array is not
// safe for concurrent use.
type array struct {
	fs     vfs.FS
	name   string
	spare  string // name of the file that will replace it, on the same disk
	format formatFunc
	aside  func(name, what string) error // keeps what another program left under name
	// reserve makes a file of that name on a full disk, without taking room.
	reserve func(name string) error

	file    vfs.File
	left    vfs.Info // the file as this Writer left it; its size is unknownSize until it is looked at
	end     int64    // offset just past the last record, or past the "["
	records [][]byte
	lines   [][]byte  // the memory of records
	free    freeLines // lines whose records are sealed
	joined  []byte    // for records that are written at once
	dirty   bool      // written to since the last fsync
	broken  bool      // what is on disk is not known: the file must be replaced before use
}

// formatFunc appends a fetch to dst in the form that it has in the array.
type formatFunc func(dst, fetch []byte) ([]byte, error)

const (
	opening = "["
	comma   = ",\n"
	closing = "\n]\n"
)

// unknownSize in array.left says that size and time are not known.
const unknownSize = -1

// fileMode keeps editors from saving over the array by accident.
const fileMode fs.FileMode = 0o400

// line returns a fetch as it is written: a comma, the formatted record, and the
// close. It is the only copy that an append makes, apart from join. It needs no lock.
func (a *array) line(fetch []byte) ([]byte, error) {
	dst, err := a.format(append(a.free.take(len(fetch)), comma...), fetch)
	return append(dst, closing...), err
}

// clear forgets all records once they are sealed.
func (a *array) clear() {
	a.reuse(a.lines)
	a.records, a.lines = nil, nil
}

// reuse keeps the memory of lines for later ones.
func (a *array) reuse(lines [][]byte) {
	for _, line := range lines {
		a.free.put(line)
	}
}

// write adds records, in one write and without syncing them. The lines are kept
// until the batch is sealed.
func (a *array) write(lines ...[]byte) error {
	text := a.join(lines)
	if len(a.records) == 0 {
		text = text[1:] // no comma before the first
	}
	a.dirty, a.left.Size = true, unknownSize
	if _, err := a.file.WriteAt(text, a.end); err != nil {
		a.rollback()
		return err
	}
	a.end += int64(len(text) - len(closing))
	for _, line := range lines {
		a.records = append(a.records, line[len(comma):len(line)-len(closing)])
	}
	a.lines = append(a.lines, lines...)
	return nil
}

// join returns lines as one, which is good until the next call.
func (a *array) join(lines [][]byte) []byte {
	if len(lines) == 1 {
		return lines[0]
	}
	a.joined = a.joined[:0]
	for _, line := range lines {
		a.joined = append(a.joined, line[:len(line)-len(closing)]...)
	}
	return append(a.joined, closing...)
}

// rollback undoes a failed write, so that a disk that is full for a moment fails only
// that one append.
func (a *array) rollback() {
	err := a.file.Truncate(a.end)
	if err == nil {
		_, err = a.file.WriteAt([]byte(closing), a.end)
	}
	if err == nil {
		err = a.file.Sync()
	}
	a.broken = a.broken || err != nil
}

// sync makes all records durable. After an error the kernel may hold clean
// pages that are not on disk, so the file is never synced or written again.
func (a *array) sync() error {
	if a.broken {
		return errors.New("the file is to be rebuilt after an earlier failure")
	}
	if !a.dirty {
		return nil
	}
	if err := vfs.SyncFile(a.file); err != nil {
		a.broken = true
		return err
	}
	a.dirty = false
	return nil
}

// rememberLeft remembers how the file was left. ok is false if another program changed
// it in the meantime, or gave its name to another file.
func (a *array) rememberLeft() (ok bool, err error) {
	named, err := a.stat()
	if err != nil || named.ID != a.left.ID {
		a.left.Size = unknownSize
		return false, err
	}
	a.left = named
	if named.Size != a.end+int64(len(closing)) {
		a.left.ModTime = time.Time{} // no file is like this
		return false, nil
	}
	return true, nil
}

// fileState is what has become of the array's file.
type fileState int

const (
	fileForeign   fileState = iota // another file, or changed by another program
	fileMissing                    // nothing has the name
	fileWritten                    // written to since this Writer looked: it cannot be compared
	fileUnchanged                  // as this Writer left it
)

// ours reports whether the file is the one that this Writer left, as far as is known.
func (s fileState) ours() bool { return s == fileWritten || s == fileUnchanged }

// state compares a file with the one that this Writer left. Editors replace files, or
// truncate and rewrite them.
func (a *array) state(file vfs.Info) fileState {
	sameFile := file.ID == a.left.ID
	switch {
	case sameFile && a.left.Size == unknownSize:
		return fileWritten
	case sameFile && file.Size == a.left.Size && file.ModTime.Equal(a.left.ModTime):
		return fileUnchanged
	case file == vfs.Info{}:
		return fileMissing
	}
	return fileForeign
}

// stat describes what has the array's name: the zero Info if nothing has.
func (a *array) stat() (vfs.Info, error) {
	named, err := a.fs.Stat(a.name)
	if errors.Is(err, fs.ErrNotExist) {
		return vfs.Info{}, nil
	}
	return named, err
}

// canWrite reports whether the open file can take a record. Checking the open file is
// quicker than checking its name. The name is checked after the write, before that is
// acknowledged.
func (a *array) canWrite() bool {
	if a.file == nil || a.broken { // there was no room to rebuild it, or it is to be rebuilt
		return false
	}
	open, err := a.file.Stat()
	return err == nil && a.state(open) == fileUnchanged
}

// drop forgets the records after the first n, and their lines. They were written last,
// and are not acknowledged.
func (a *array) drop(n int) {
	kept := len(a.lines) - (len(a.records) - n)
	clear(a.lines[kept:])
	a.lines = a.lines[:kept]
	a.records = a.records[:n]
}

// repair repairs the file if anything is wrong with it, and returns what was, or "".
func (a *array) repair() (string, error) {
	named, err := a.stat() // if that is ours, it is the open file
	if err != nil {
		return "", err
	}
	switch {
	case !a.state(named).ours():
		return "it was changed by another program; rebuilt from memory", a.replace()
	case a.broken:
		return "the disk failed to take it; rebuilt in a new file", a.replace()
	}
	return "", nil
}

// replace durably puts a new file with a.records in place of the old one. If there are
// no records, only its name is durable: its bytes are synced with the first record, and
// until then recovery finds no records in any case. What another program left under the
// name is set aside.
func (a *array) replace() error {
	f, end, err := a.build()
	if vfs.NoSpace(err) && len(a.records) == 0 {
		f, end, err = a.buildReserved(err)
	}
	if err != nil {
		return err
	}
	if err := a.takePlace(f); err != nil {
		f.Close()
		return err
	}
	if a.file != nil {
		a.file.Close()
	}
	a.file, a.end, a.dirty, a.broken = f, end, len(a.records) == 0, true
	if err := a.fs.SyncDir("."); err != nil {
		return err
	}
	ok, err := a.rememberLeft()
	if err == nil && !ok {
		err = errors.New("another program keeps changing it")
	}
	a.broken = err != nil
	return err
}

// takePlace gives the file that was built the array's name.
func (a *array) takePlace(f vfs.File) error {
	named, err := a.stat()
	if err != nil {
		return err
	}
	if a.state(named) == fileForeign {
		if err := a.aside(a.name, "another program's "+a.name); err != nil {
			return err
		}
	}
	left, err := f.Stat()
	if err != nil {
		return err
	}
	if err := a.fs.Rename(a.spare, a.name); err != nil {
		return err
	}
	a.left = left
	return nil
}

// build writes a.records to the spare file, and syncs it if there are any.
func (a *array) build() (_ vfs.File, end int64, err error) {
	// The spare file may be left over, and be the array itself if a power cut undid half
	// of a rename, so it must not be truncated.
	if err := a.fs.Remove(a.spare); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, err
	}
	f, err := a.fs.OpenFile(a.spare, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, 0, err
	}
	if end, err = a.fill(f); err != nil {
		f.Close()
		a.fs.Remove(a.spare) // it may have taken the last room
		return nil, 0, err
	}
	return f, end, nil
}

// buildReserved is build without records, on a full disk. The file is synced all the
// same: a power cut must not show what it held before.
func (a *array) buildReserved(full error) (vfs.File, int64, error) {
	if a.reserve(a.spare) != nil {
		return nil, 0, full
	}
	f, err := a.fs.OpenFile(a.spare, os.O_RDWR, 0)
	if err != nil {
		return nil, 0, err
	}
	end, err := a.fill(f)
	if err == nil {
		err = f.Truncate(end + int64(len(closing)))
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, end, nil
}

// fill writes a.records to a file, and syncs it if there are any.
func (a *array) fill(f vfs.File) (end int64, err error) {
	out := bufio.NewWriterSize(io.NewOffsetWriter(f, 0), 1<<16)
	n, _ := out.WriteString(opening)
	end = int64(n)
	for i, fetch := range a.records {
		line, err := a.line(fetch)
		if err != nil {
			return 0, fmt.Errorf("record %d: %w", i+1, err)
		}
		line = line[:len(line)-len(closing)]
		if i == 0 {
			line = line[1:]
		}
		n, _ := out.Write(line)
		end += int64(n)
	}
	out.WriteString(closing)
	if err := out.Flush(); err != nil {
		return 0, err
	}
	if err := withoutModes(f.Chmod(fileMode)); err != nil {
		return 0, err
	}
	if len(a.records) > 0 {
		err = vfs.SyncFile(f)
	}
	return end, err
}

// withoutModes ignores the error of a file system without modes. Modes only keep people
// from saving over the array by accident.
func withoutModes(err error) error {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// buildOf writes the lines of a whole batch to the spare file, syncs it, and returns its
// size. The array itself must have no records.
func (a *array) buildOf(lines [][]byte) (size int64, err error) {
	f, end, err := a.build()
	if err != nil {
		return 0, err
	}
	defer f.Close()
	text := a.join(lines)[1:] // no comma before the first
	_, err = f.WriteAt(text, end)
	return end + int64(len(text)), errors.Join(err, f.Sync())
}

// reopen opens the file that an earlier Writer left, whose records end at end.
func (a *array) reopen(end int64) error {
	// The owner may not open a read-only file for writing, but may change that.
	if err := withoutModes(a.fs.Chmod(a.name, 0o600)); err != nil {
		return err
	}
	f, err := a.fs.OpenFile(a.name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	a.file, a.end, a.dirty = f, end, true
	if err := withoutModes(f.Chmod(fileMode)); err != nil {
		return err
	}
	_, err = a.rememberLeft()
	return err
}

func (a *array) close() error {
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}

// maxFree bounds freeLines.size, which is kept for as long as there is a Writer.
const maxFree = 8 << 20

// freeLines is the memory of lines that are no longer needed, for new ones. Allocating
// memory costs several times as much as copying a fetch of 1 MB into it.
type freeLines struct {
	mu    sync.Mutex // guards what follows
	lines [][]byte
	size  int // of all, in bytes
}

// take returns memory for a fetch of n bytes. It returns nil if there is none, or if it
// is much larger than the fetch.
func (f *freeLines) take(n int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := len(f.lines) - 1
	if last < 0 {
		return nil
	}
	line := f.lines[last]
	f.lines[last], f.lines = nil, f.lines[:last]
	f.size -= cap(line)
	if cap(line) > 4*n {
		return nil
	}
	return line[:0]
}

func (f *freeLines) put(line []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.size+cap(line) <= maxFree {
		f.lines = append(f.lines, line)
		f.size += cap(line)
	}
}
