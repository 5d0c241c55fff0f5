package archive

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/vfs"
)

// partFile is a file that has its name only when it is complete. Until then it has one of
// its own, which begins with a dot and ends with .tmp.
type partFile struct {
	f    *os.File
	temp string
	name string
}

// newPartFile makes a file in a directory, whose name will be name. It has the mode of a file
// that it replaces.
func newPartFile(dir, name string) (*partFile, error) {
	temp := filepath.Join(dir, "."+filepath.Base(name)+"-"+rand.Text()[:10]+".tmp")
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) // as the umask has it: an export is for others, too
	if err != nil {
		return nil, fileError(temp, err)
	}
	p := &partFile{f, temp, name}
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			p.discard()
			return nil, fileError(name, err)
		}
	}
	return p, nil
}

// Write implements io.Writer.
func (p *partFile) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	if err != nil {
		err = fileError(p.name, err)
	}
	return n, err
}

// finish gives the file its name, and returns what is known of it. Of two that are finished
// at once the later one stays, as a whole.
func (p *partFile) finish() (fs.FileInfo, error) {
	err := p.f.Sync()
	info, statErr := p.f.Stat()
	if err = errors.Join(err, statErr, p.f.Close()); err == nil {
		if err = os.MkdirAll(filepath.Dir(p.name), 0o777); err == nil {
			err = os.Rename(p.temp, p.name)
		}
	}
	if err != nil {
		return nil, fileError(p.name, err)
	}
	p.temp = ""
	return info, nil
}

// discard removes a file that is not finished.
func (p *partFile) discard() {
	if p.temp != "" {
		p.f.Close()
		os.Remove(p.temp)
	}
}

// fileError says what went wrong with which file, and what to do.
func fileError(name string, err error) error {
	e := &rotatelog.Error{Op: "export", Key: name, Err: err}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		e.Err = p.Err
	} else if l, ok := errors.AsType[*os.LinkError](err); ok {
		e.Err = l.Err
	}
	if errors.Is(err, fs.ErrNotExist) { // which would mean a day without an object
		e.Err = errors.New(e.Err.Error())
	}
	switch {
	case vfs.NoSpace(err):
		e.Hint = "free some space, and export again"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Hint = "name a folder that the user that this runs as may write to"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, fs.ErrExist):
		e.Hint = "name another folder or file"
	}
	return e
}

// staleAfter is for how long nothing was written to what a killed export has left: no other
// is at work on it.
const staleAfter = 24 * time.Hour

// removeStale removes from a folder what exports have left that were killed, of files and of
// marks whose names begin so. What cannot be removed is no matter: no program takes it for
// data.
func removeStale(folder, begin string) {
	left, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, entry := range left {
		isOurs := (strings.HasPrefix(entry.Name(), "."+begin) || strings.HasPrefix(entry.Name(), ".."+begin)) && strings.HasSuffix(entry.Name(), ".tmp")
		if info, err := entry.Info(); isOurs && err == nil && time.Since(info.ModTime()) > staleAfter {
			os.Remove(filepath.Join(folder, entry.Name()))
		}
	}
}

// madeDirs are directories that were made, the outermost first.
type madeDirs []string

// makeDirs makes a directory, and those above it that are missing.
func makeDirs(path string) (made madeDirs, err error) {
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(madeDirs{dir}, made...)
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		made.removeEmpty()
		return nil, fileError(path, err)
	}
	return made, nil
}

// removeEmpty removes those that are empty.
func (m madeDirs) removeEmpty() {
	for i := len(m) - 1; i >= 0; i-- {
		if os.Remove(m[i]) != nil {
			return
		}
	}
}

// target returns the name of the file that an export replaces: where a symbolic link leads.
func target(file string) (string, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return file, nil
	case err != nil:
		return "", fileError(file, err)
	case !info.Mode().IsRegular():
		return "", &rotatelog.Error{Op: "export", Key: file, Err: errors.New("this is no regular file"), Hint: "name another one"}
	}
	name, err := filepath.EvalSymlinks(file)
	if err != nil {
		return "", fileError(file, err)
	}
	return name, nil
}

// nothingFound is the error of an export without a row, whose file is there already.
func nothingFound(file string) error {
	return &rotatelog.Error{Op: "export", Key: file, Err: fmt.Errorf("%w, and the file is left as it is", ErrNothing), Hint: "remove it if it is not wanted any more"}
}
