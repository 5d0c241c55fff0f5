// Package dirstore keeps the objects of a [rotatelog.Writer] as files in a directory of
// a local disk, for tests, for programs that are to work without a network, and to
// begin with.
package dirstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/missing"
	"example.com/rotatelog/internal/sleep"
	"example.com/rotatelog/internal/vfs"
)

// Store is a [rotatelog.Store] in a directory of a local disk, safe between goroutines
// and between processes. The object at key is the plain file dir/key, made to
// be opened: mode 0600 at first, and afterwards whatever mode it is given.
//
// A key is a slash-separated relative path as [fs.ValidPath] has it, without
// backslashes, and not below .rotatelog, where Store keeps what is its own:
//
//	.rotatelog/lock/{hash}                 held while the object is written
//	.rotatelog/new/{hash}                  the version being written
//	.rotatelog/meta/{hash}/{version}.json  the metadata of a version
//
// where {hash} is the SHA-256 of the key. As in any directory, there cannot be
// objects at both "a" and "a/b", nor, on most disks of macOS, at "a" and "A".
// Symbolic links are followed as far as they stay inside dir, but nothing keeps
// writers under two names of one file apart.
//
// A write makes a new file, syncs it, and renames it over the old one, so each
// costs a copy of the object, and needs room for it; only disks that share
// blocks between files (Btrfs, XFS, APFS) spare it. What Stat tells, and what
// Write says it did, survives a loss of power.
//
// A Version is the file's time of modification, to the nanosecond, and its
// size. Every write sets a later time than the version before had. So a foreign
// program that replaces or edits a file makes a version, too, as long as it does
// not also set the time; its version has no metadata. One that does so in the
// very moment of a rename is overwritten, since it takes no lock. A directory that
// is copied with its times (cp -a, rsync -a) keeps its versions and metadata.
//
// A directory that is gone, because its disk is not mounted say, is not taken for
// an empty one: every call then fails, and works again once it is back. What
// stands in its place is taken for the store only if it has a directory
// .rotatelog. That may be removed at any time otherwise: it is made again, though
// with the metadata of the objects lost.
//
// Store needs Linux or macOS.
type Store struct {
	dir string // absolute

	mu sync.Mutex // guards at
	at *openDir
}

const (
	ownDir  = ".rotatelog"
	lockDir = ownDir + "/lock"
	newDir  = ownDir + "/new"
	metaDir = ownDir + "/meta"
)

// Open returns the Store of dir, which it creates if need be, open to
// nobody else (mode 0700). The directory above must exist: where a disk is not
// mounted, nothing is made in its place. For the same reason it is an error, which
// matches [rotatelog.ErrPermanent], if dir has no .rotatelog yet and /etc/fstab names a file
// system for it, or for a directory above, that is not mounted. Open removes
// what writes of processes that died have left behind.
func Open(dir string) (*Store, error) {
	s, err := newStore(dir)
	if err != nil {
		return nil, &rotatelog.Error{Op: "open store", Key: dir, Err: explain(dir, err)}
	}
	return s, nil
}

func newStore(dir string) (*Store, error) {
	if dir == "" {
		return nil, fmt.Errorf("%w: no directory is named", fs.ErrInvalid)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := checkPlace(dir); err != nil {
		return nil, err
	}
	at, err := openDirAt(dir)
	if err != nil {
		return nil, err
	}
	return &Store{dir: dir, at: at}, nil
}

// checkPlace returns an error if dir is not there and cannot be made, or if it
// should be on another disk.
func checkPlace(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, ownDir)); err == nil {
		return nil // a store
	}
	above := filepath.Dir(dir)
	if _, err := os.Stat(above); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: there is no directory %s, in which the store would be made; mount its disk, or make it", rotatelog.ErrPermanent, above)
	}
	if point := notMounted(dir); point != "" {
		return fmt.Errorf("%w: according to /etc/fstab a file system should be mounted at %s, and none is; mount it, or, to use the directory as it is, make %s",
			rotatelog.ErrPermanent, point, filepath.Join(dir, ownDir))
	}
	return nil
}

// openDir is the directory of a Store, open.
type openDir struct {
	dir  string // for messages
	root *os.Root
	fs   vfs.FS // the same directory: its locks, and the syncing of directories
}

func openDirAt(dir string) (*openDir, error) {
	locks, err := vfs.Dir(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		locks.Close()
		return nil, err
	}
	s := &openDir{dir, root, locks}
	if err := s.prepare(); err != nil {
		locks.Close()
		root.Close()
		return nil, err
	}
	return s, nil
}

// Location implements [rotatelog.Located].
func (s *Store) Location() string { return s.dir }

// current returns the directory of the store, opened again if that has come back
// after it was gone.
func (s *Store) current() (*openDir, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there, err := os.Stat(s.dir)
	if errors.Is(err, fs.ErrNotExist) { // which is not to be taken for a missing object
		return nil, fmt.Errorf("%w: the directory of the store, %s, is gone; mount its disk, or put it back", rotatelog.ErrPermanent, s.dir)
	}
	if err != nil {
		return nil, err
	}
	if here, err := s.at.root.Stat("."); err == nil && os.SameFile(here, there) {
		return s.at, nil
	}
	if _, err := os.Lstat(filepath.Join(s.dir, ownDir)); err != nil {
		return nil, fmt.Errorf("%w: another directory has taken the place of the store's, %s; mount its disk, or, to begin again in this one, make %s",
			rotatelog.ErrPermanent, s.dir, filepath.Join(s.dir, ownDir))
	}
	at, err := openDirAt(s.dir)
	if err != nil {
		return nil, missing.NotObject(err)
	}
	s.at = at // readers may still use the other
	return at, nil
}

// makeOwn makes the private directories.
func (s *openDir) makeOwn() error {
	for _, d := range []string{lockDir, newDir, metaDir} {
		if err := s.root.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the private directories, and sweeps new, where nearly always
// nothing is.
func (s *openDir) prepare() error {
	if err := s.makeOwn(); err != nil {
		return err
	}
	names, err := s.fs.ReadDir(newDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		lock, err := s.fs.Lock(path.Join(lockDir, name))
		if errors.Is(err, vfs.ErrLocked) {
			continue // its writer lives
		}
		if err != nil {
			return err
		}
		err = s.root.Remove(path.Join(newDir, name))
		lock.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Stat implements [rotatelog.Store].
func (s *Store) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	d, err := s.current()
	var o rotatelog.Object
	if err == nil {
		o, err = d.stat(ctx, key)
	}
	if err != nil {
		return rotatelog.Object{}, &rotatelog.Error{Op: "stat", Key: key, Err: explain(s.dir, err)}
	}
	return o, nil
}

// stat looks at the file twice if it finds no metadata: either there is none, or
// it went with a version that was just replaced.
func (s *openDir) stat(ctx context.Context, key string) (rotatelog.Object, error) {
	if err := checkKey(key); err != nil {
		return rotatelog.Object{}, err
	}
	before := rotatelog.Version("")
	for {
		if err := context.Cause(ctx); err != nil {
			return rotatelog.Object{}, err
		}
		info, err := s.look(key)
		if err != nil {
			return rotatelog.Object{}, err
		}
		o := rotatelog.Object{Version: versionOf(info), Size: info.Size()}
		if o.Version == before {
			return o, nil
		}
		// Whoever renamed it may have died before syncing the directory. A
		// version is only told of once no loss of power can take it back.
		err = s.syncDirs(path.Dir(key))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
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

// Read implements [rotatelog.Store]. A file that is edited in place while it is read is
// noticed at the end at the latest, where the reader then fails with
// [rotatelog.ErrConflict].
func (s *Store) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	d, err := s.current()
	var r io.ReadCloser
	if err == nil {
		r, err = d.read(ctx, key, v, off, n)
	}
	if err != nil {
		return nil, &rotatelog.Error{Op: "read", Key: key, Err: explain(s.dir, err)}
	}
	return r, nil
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

// versionReader reads a file, and at its end makes sure that it still is the
// version that was opened.
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

// Write implements [rotatelog.Store]. Writes of one key wait for each other, and readers
// for nobody.
func (s *Store) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	d, err := s.current()
	if err == nil {
		err = d.write(ctx, key, old, parts, meta)
	}
	if err != nil {
		return &rotatelog.Error{Op: "write", Key: key, Err: explain(s.dir, err)}
	}
	return nil
}

func (s *openDir) write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	lock, err := s.lock(ctx, key)
	if err != nil {
		return err
	}
	defer lock.Close()
	temp := path.Join(newDir, hashOf(key))
	defer func() {
		if s.holds(key, lock) { // or else it may be another's
			s.root.Remove(temp) // once renamed it is gone
		}
	}()
	v, err := s.build(ctx, temp, key, old, parts)
	if err != nil {
		return err
	}
	if err := s.writeMeta(key, v, meta); err != nil {
		return err
	}
	if err := s.makeParents(key); err != nil {
		return err
	}
	if err := s.check(key, old); err != nil { // who takes no lock may have been here
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if !s.holds(key, lock) {
		return fmt.Errorf("%s was removed while the object was written; it is written again", path.Join(s.dir, ownDir))
	}
	if err := s.root.Rename(temp, key); err != nil {
		return err
	}
	if err := s.syncDirs(path.Dir(key)); err != nil {
		return fmt.Errorf("it was replaced, but might come back after a loss of power: %w", err)
	}
	s.dropMeta(key, v)
	return nil
}

// lock waits for other writes of key, in this process or another.
func (s *openDir) lock(ctx context.Context, key string) (io.Closer, error) {
	name := path.Join(lockDir, hashOf(key))
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		lock, err := s.fs.Lock(name)
		switch {
		case err == nil && s.holds(key, lock):
			return lock, nil
		case err == nil: // it was removed and made again meanwhile
			lock.Close()
		case errors.Is(err, fs.ErrNotExist): // all of .rotatelog was removed
			if err := s.makeOwn(); err != nil {
				return nil, missing.NotObject(err)
			}
		case !errors.Is(err, vfs.ErrLocked):
			return nil, err
		}
		if err := sleep.For(ctx, wait); err != nil {
			return nil, fmt.Errorf("another write of it holds the lock %s: %w", name, err)
		}
	}
}

// holds reports whether the lock of key is still the file of that name. Somebody
// may have removed it, and then another process locks a new one.
func (s *openDir) holds(key string, lock io.Closer) bool {
	held, ok := lock.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return true
	}
	mine, err := held.Stat()
	if err != nil {
		return false
	}
	named, err := s.root.Stat(path.Join(lockDir, hashOf(key)))
	return err == nil && os.SameFile(mine, named)
}

// build makes the file of the new version, and makes it durable.
func (s *openDir) build(ctx context.Context, temp, key string, old rotatelog.Version, parts []rotatelog.Part) (rotatelog.Version, error) {
	var src *os.File
	var size int64
	var replaced time.Time
	mode := fs.FileMode(0o600)
	if old == "" {
		if err := s.check(key, old); err != nil {
			return "", err
		}
	} else {
		f, info, err := s.open(key, old)
		if err != nil {
			return "", err
		}
		defer f.Close()
		src, size, replaced, mode = f, info.Size(), info.ModTime(), info.Mode().Perm()
	}
	dst, err := s.create(temp)
	if err != nil {
		return "", err
	}
	defer dst.Close()
	for _, p := range parts {
		if p.Data != nil {
			_, err = dst.Write(p.Data)
		} else {
			err = copyRange(ctx, dst, src, size, p)
		}
		if err != nil {
			return "", err
		}
	}
	// Some file systems have no modes to change.
	if err := dst.Chmod(mode); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
		return "", err
	}
	return s.seal(dst, temp, replaced)
}

// create makes the file of a version that is being written.
func (s *openDir) create(temp string) (*os.File, error) {
	if err := s.root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a process that died
		return nil, err
	}
	f, err := s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := s.makeOwn(); err != nil { // newDir was removed
		return nil, missing.NotObject(err)
	}
	return s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// copyRange appends p of src, which has size bytes, to dst, in pieces between
// which ctx is heeded. Between files, [io.CopyN] leaves the copying to the
// kernel.
func copyRange(ctx context.Context, dst, src *os.File, size int64, p rotatelog.Part) error {
	if p.Off < 0 || p.Len < 0 || p.Off > size-p.Len {
		return fmt.Errorf("cannot copy %d bytes at %d of the old version: it has %d", p.Len, p.Off, size)
	}
	if p.Len == 0 {
		return nil
	}
	if _, err := src.Seek(p.Off, io.SeekStart); err != nil {
		return err
	}
	for left := p.Len; left > 0; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := io.CopyN(dst, src, min(left, 64<<20))
		if err == io.EOF {
			return fmt.Errorf("the file was cut short while it was copied: %w", rotatelog.ErrConflict)
		}
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// seal syncs a new file and gives it a time of its own: now, or if the version
// that it replaces is not older than that, the next time which the disk can
// tell apart.
func (s *openDir) seal(f *os.File, name string, replaced time.Time) (rotatelog.Version, error) {
	if err := f.Sync(); err != nil { // first, lest a late write set the time
		return "", err
	}
	stamp := time.Now()
	for step := time.Nanosecond; step < time.Minute; step *= 10 {
		if !stamp.After(replaced) {
			stamp = replaced.Add(step)
		}
		if err := s.root.Chtimes(name, time.Time{}, stamp); err != nil {
			return "", err
		}
		info, err := f.Stat()
		if err != nil {
			return "", err
		}
		if info.ModTime().After(replaced) {
			return versionOf(info), f.Sync()
		}
		stamp = replaced
	}
	return "", fmt.Errorf("%w: no file here can be newer than %v, the time of the old version; set that back with touch", rotatelog.ErrPermanent, replaced)
}

// check returns nil if the current version is v.
func (s *openDir) check(key string, v rotatelog.Version) error {
	info, err := s.look(key)
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

// open opens version v. What it returns stays that version, since objects are
// replaced by renaming.
func (s *openDir) open(key string, v rotatelog.Version) (*os.File, fs.FileInfo, error) {
	if err := s.check(key, v); err != nil { // also, opening a pipe would hang
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

// look describes the file of an object.
func (s *openDir) look(key string) (fs.FileInfo, error) {
	info, err := s.root.Stat(key)
	if errors.Is(err, syscall.ENOTDIR) { // an object stands where key has a directory
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%w: it is a directory", fs.ErrNotExist)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is no regular file, but %v; move it away", rotatelog.ErrPermanent, info.Mode())
	}
	return info, nil
}

// makeParents makes the directories that lead to key; syncDirs makes them
// durable.
func (s *openDir) makeParents(key string) error {
	if dir := path.Dir(key); dir != "." {
		return s.root.MkdirAll(dir, 0o700)
	}
	return nil
}

// syncDirs makes the names in a directory durable, and those of all the
// directories that lead there: whoever made them may have died before syncing.
func (s *openDir) syncDirs(dir string) error {
	for ; ; dir = path.Dir(dir) {
		if err := s.fs.SyncDir(dir); err != nil {
			return err
		}
		if dir == "." {
			return nil
		}
	}
}

// sidecar is the file that holds the metadata of one version. It is written
// before the version gets its name and removed after the next one has, so that a
// crash parts neither from the other.
type sidecar struct {
	Key  string            `json:"key"` // for people
	Meta map[string]string `json:"meta"`
}

func sidecarName(key string, v rotatelog.Version) string {
	return path.Join(metaDir, hashOf(key), string(v)+".json")
}

func (s *openDir) readMeta(key string, v rotatelog.Version) (map[string]string, error) {
	b, err := s.root.ReadFile(sidecarName(key, v))
	if err != nil {
		return nil, err
	}
	var c sidecar
	if json.Unmarshal(b, &c) != nil {
		return nil, nil // somebody edited it; a Store may lose metadata
	}
	return c.Meta, nil
}

func (s *openDir) writeMeta(key string, v rotatelog.Version, meta map[string]string) error {
	if len(meta) == 0 {
		return nil
	}
	b, err := json.Marshal(sidecar{key, meta})
	if err != nil {
		return err
	}
	name := sidecarName(key, v)
	if err := s.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return s.syncDirs(path.Dir(name))
}

// dropMeta removes the metadata of all versions but one. What it fails to remove
// does no harm, and the next write tries again.
func (s *openDir) dropMeta(key string, keep rotatelog.Version) {
	dir := path.Dir(sidecarName(key, keep))
	names, _ := s.fs.ReadDir(dir)
	for _, name := range names {
		if name != string(keep)+".json" {
			s.root.Remove(path.Join(dir, name))
		}
	}
}

func versionOf(info fs.FileInfo) rotatelog.Version {
	t := info.ModTime()
	return rotatelog.Version(fmt.Sprintf("%d.%09d-%d", t.Unix(), t.Nanosecond(), info.Size()))
}

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func checkKey(key string) error {
	top, _, _ := strings.Cut(key, "/")
	if !fs.ValidPath(key) || key == "." || strings.ContainsAny(key, "\\\x00") || strings.EqualFold(top, ownDir) {
		return fmt.Errorf("%w: %w: the key %q is not a relative path with slashes, without . and .., and not in %s",
			rotatelog.ErrPermanent, fs.ErrInvalid, key, ownDir)
	}
	return nil
}

// explain marks the errors that will not pass by themselves, and says what to
// do. A full disk is not among them.
func explain(dir string, err error) error {
	var errno syscall.Errno
	var refused *fs.PathError
	switch {
	case errors.Is(err, rotatelog.ErrPermanent):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w; let this process read and write everything in %s", rotatelog.ErrPermanent, err, dir)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w; mount %s for writing", rotatelog.ErrPermanent, err, dir)
	case errors.Is(err, syscall.ENOLCK), strings.Contains(err.Error(), "flock ") && errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("%w: %w; the file system of %s does not lock files (flock), without which writers would overwrite each other; use another, or mount it with locks",
			rotatelog.ErrPermanent, err, dir)
	case errors.As(err, &refused) && refused.Op == "sync" && errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%w: %w; the file system of %s cannot make names durable (fsync of a directory); use another", rotatelog.ErrPermanent, err, dir)
	case errors.Is(err, syscall.ENAMETOOLONG):
		return fmt.Errorf("%w: %w; shorten the key", rotatelog.ErrPermanent, err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ELOOP), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: %w; move away what stands there in %s, or use another key", rotatelog.ErrPermanent, err, dir)
	case errors.As(err, &refused) && !errors.As(err, &errno) && !errors.Is(err, fs.ErrClosed):
		// What no system call said, os.Root did.
		return fmt.Errorf("%w: %w; no symbolic link may lead out of %s", rotatelog.ErrPermanent, err, dir)
	}
	return err
}
