package rotatelog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/reserve"
	"example.com/rotatelog/internal/vfs"
)

// spool is the local side: the array being filled, and the batches that wait
// for the store. The array and the progress belong to whoever holds the append
// lock, and the Writer lets only one goroutine at a time use them. Whoever holds the
// publish lock also changes pending/ and uploaded/. What the directories list is the
// truth; nothing of it is remembered.
type spool struct {
	fs  vfs.FS
	dir string // such as all_api.spool

	max   int           // fetches per batch
	newID func() string // of a batch
	pack  Compression   // of days that begin

	array           array
	progress        progress
	progressSaved   bool     // progress is what batch.json and the names in the spool say, durably
	progressInDoubt bool     // batch.json may say what is not durable
	sealing         *sealing // a seal that failed half way, to be finished first

	waiting int64 // bytes in pending/, or more: the publisher takes batches away without saying so
	counted bool  // whether waiting is known

	reserve  *reserve.Reserve
	prunable *prunable
	syncs    *syncs
	linked   vfs.ID // what the link to the last batch was made of
	marked   bool   // tightFile may be there

	recovered []batch // those that recovery found; only for Open
	tally     counts  // of the fetches in the array, as far as this Writer has appended them

	sealed   []sealedBatch // what has happened and is not yet reported
	repaired []Repaired
}

func (s *spool) path(elem ...string) string { return path.Join(append([]string{s.dir}, elem...)...) }

// The names in the spool.
const (
	appendLock   = "lock"
	publishLock  = "publish.lock"
	progressFile = "batch.json"
	spareFile    = "spare.json"  // what will replace the array
	checkFile    = "check"       // in pending/ and uploaded/: whether files can be moved there
	sealingFile  = "sealing"     // in pending/: a batch that is not quite there
	packingFile  = "compressing" // in uploaded/: a batch that is being compressed
	droppedFile  = "dropped"     // in uploaded/: its name while it gives its room back
	ownerLock    = "owner.lock"
	ownerFile    = "owner"   // a random id that objects are marked with
	uncleanFile  = "unclean" // there while a Writer appends, and after one that was killed
	cleanFile    = "clean"   // its name meanwhile: making a new file may need room
	tightFile    = "tight"   // there while there is no room for a fetch
	pendingDir   = "pending"
	intentsDir   = "intents"
	uploadedDir  = "uploaded"
	damagedDir   = "damaged"
	reserveDir   = "reserve"
)

// newSpool returns the spool of cfg's stream, its directories made.
func newSpool(fsys vfs.FS, cfg *Config) (*spool, error) {
	name := cfg.Name
	s := &spool{fs: fsys, dir: name + ".spool", max: cfg.MaxFetches, newID: cfg.newID, pack: cfg.Compression, prunable: newPrunable(), syncs: newSyncs()}
	s.reserve = reserve.New(fsys, s.path(reserveDir), cfg.reserve)
	s.array = array{fs: fsys, name: name + arrayEnd, spare: s.path(spareFile), format: cfg.format, aside: s.setAside, reserve: s.reserve.Take}
	if err := s.mkdir(s.dir); err != nil {
		return nil, err
	}
	if err := s.secure(); err != nil {
		return nil, err
	}
	if err := s.reserve.Open(); err != nil && !vfs.NoSpace(err) {
		return nil, err
	}
	for _, d := range []string{s.path(pendingDir), s.path(intentsDir), s.path(uploadedDir), s.path(damagedDir)} {
		if err := s.reserve.WithRoom(func() error { return s.mkdir(d) }); err != nil {
			return nil, err
		}
	}
	if _, err := fsys.Stat(s.dayLockPath(Day{2000, 1, dayLocks})); errors.Is(err, fs.ErrNotExist) {
		if err := s.reserve.WithRoom(s.makeDayLocks); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// checkDir returns an error if a file cannot be made beside the array and renamed
// to where batches go. That is better reported now than when the first batch is full.
func (s *spool) checkDir() error {
	name := "." + s.array.name + ".rotatelog"
	if info, err := s.fs.Stat(name); err == nil && (info.Size > 0 || !info.Mode.IsRegular()) {
		return nil // it belongs to somebody else, and is left alone
	}
	f, err := s.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if vfs.NoSpace(err) { // the directory may be fine, and what waits can be uploaded
		return nil
	}
	if err != nil {
		return err
	}
	err = f.Close()
	for _, dir := range []string{pendingDir, uploadedDir} {
		to := s.path(dir, checkFile)
		if err != nil {
			break
		}
		if err = s.fs.Rename(name, to); err == nil {
			name = to
		}
	}
	if vfs.NoSpace(err) {
		err = nil
	}
	return errors.Join(oneDisk(err), s.remove(name))
}

// checkArray returns an error if the array, which need not be replaced now, cannot
// be replaced later because something is mounted on it.
func (s *spool) checkArray() error {
	name := s.path(pendingDir, checkFile)
	if err := s.remove(name); err != nil {
		return err
	}
	err := s.fs.Link(s.array.name, name)
	if errors.Is(err, syscall.EXDEV) {
		return oneDisk(err)
	}
	return s.remove(name) // there may be no links, or no room for one
}

// oneDisk says what to do about a rename between two file systems, or mounts.
func oneDisk(err error) error {
	if errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%w: Dir, the spool and all in it must be one file system, mounted as a whole: mount Dir itself, and nothing in it", err)
	}
	return err
}

// secure keeps other users out of the spool.
func (s *spool) secure() error {
	info, err := s.fs.Stat(s.dir)
	if err != nil {
		return err
	}
	if info.Foreign {
		return hint.Add(fmt.Errorf("%s belongs to another user", s.dir), "give it, and all in it, to the user that this runs as, or set another Dir")
	}
	const others = 0o077
	if info.Mode&others == 0 {
		return nil
	}
	err = s.fs.Chmod(s.dir, 0o700)
	if now, statErr := s.fs.Stat(s.dir); err != nil || statErr != nil || now.Mode&others != 0 {
		return hint.Add(fmt.Errorf("%s has the mode %v, which lets other users in, and that cannot be changed: %w",
			s.dir, info.Mode, errors.Join(err, statErr, fs.ErrPermission)), "use a file system with modes")
	}
	s.report(Repaired{File: s.dir, Problem: fmt.Sprintf("its mode was %v, which let other users in; now it is %v", info.Mode, fs.ModeDir|0o700)})
	return nil
}

// explainDenied says so if nothing may be read since the spool is another user's.
func (s *spool) explainDenied(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if info, statErr := s.fs.Stat(s.dir); statErr != nil || !info.Foreign {
		return err
	}
	return hint.Add(fmt.Errorf("it belongs to another user: %w", err), "run this as that user")
}

func (s *spool) mkdir(name string) error {
	err := s.fs.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		info, err := s.fs.Stat(name)
		switch {
		case err != nil:
			return err
		case info.Mode.Type() == fs.ModeSymlink:
			return hint.Add(fmt.Errorf("%s is a symbolic link", name), "put the directory itself in its place, or set Dir to where it leads")
		case !info.Mode.IsDir():
			return hint.Add(fmt.Errorf("%s is not a directory", name), "move it away")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.fs.SyncDir(path.Dir(name)); err != nil {
		// A later sync may succeed without covering what this one failed to, so the
		// next Open must make the directory again.
		return errors.Join(err, s.fs.Remove(name))
	}
	return nil
}

// makeReady calls ready, and makes sure that there is room for a fetch. Room goes to
// the reserve first. If there is too little, confirmed batches are deleted.
func (s *spool) makeReady(day Day, now time.Time) error {
	ready := func() error {
		if err := s.ready(day, now); err != nil {
			return err
		}
		if err := s.reserve.Fill(); vfs.NoSpace(err) {
			return err
		}
		return nil
	}
	err := ready()
	if vfs.NoSpace(err) && s.prune(minUploaded) == nil {
		err = ready()
	}
	return err
}

// ready makes the array fit to take a fetch of day. It finishes a seal that failed half
// way, seals a full batch or one of another day, and rebuilds a file that was changed.
func (s *spool) ready(day Day, now time.Time) error {
	if s.sealing != nil {
		if err := s.finishSeal(); err != nil {
			return err
		}
	}
	var err error
	switch n := len(s.array.records); {
	case n >= s.max:
		err = s.seal(now, reasonFull)
	case n > 0 && s.progress.Day != day:
		err = s.seal(now, reasonOtherDay)
	case !s.array.canWrite():
		err = s.repairArray()
	}
	if err != nil || s.progressSaved && s.progress.Day == day {
		return err
	}
	if s.progress.Day == day {
		return s.saveProgress(s.progress)
	}
	return s.saveProgress(s.progress.startBatch(day))
}

// repairArray repairs the array, and reports what was wrong with it.
func (s *spool) repairArray() error {
	what, err := s.array.repair()
	if err == nil && what != "" {
		s.report(Repaired{File: s.array.name, Problem: what})
	}
	return err
}

// saveProgress makes p the progress, durably.
func (s *spool) saveProgress(p progress) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	s.progress, s.progressSaved, s.progressInDoubt = p, false, true
	if err := s.writeFile(s.path(progressFile), append(b, '\n')); err != nil {
		return err
	}
	s.progressSaved, s.progressInDoubt = true, false
	return nil
}

// takeNews returns what has happened since the last call.
func (s *spool) takeNews() ([]sealedBatch, []Repaired) {
	sealed, repaired := s.sealed, s.repaired
	s.sealed, s.repaired = nil, nil
	return sealed, repaired
}

func (s *spool) report(r Repaired) { s.repaired = append(s.repaired, r) }

func (s *spool) readFile(name string) ([]byte, error) { return vfs.ReadFile(s.fs, name) }

// remove removes a file that may be gone already.
func (s *spool) remove(name string) error { return vfs.Remove(s.fs, name) }

// writeFile durably replaces a file in the spool by one with that content. If the disk
// is full it uses a file of the reserve, unless the content is long.
func (s *spool) writeFile(name string, content []byte) error {
	spare := name + ".new"
	if err := s.remove(spare); err != nil {
		return err
	}
	err := vfs.WriteNew(s.fs, spare, content)
	for try := 0; try < 2 && vfs.NoSpace(err) && len(content) < reserve.FileSize && s.reserve.Take(spare) == nil; try++ {
		err = vfs.Overwrite(s.fs, spare, content)
	}
	if vfs.NoSpace(err) && s.prune(minUploaded) == nil && s.remove(spare) == nil {
		err = vfs.WriteNew(s.fs, spare, content)
	}
	if err != nil {
		return err
	}
	if err := s.fs.Rename(spare, name); err != nil {
		return err
	}
	return s.fs.SyncDir(path.Dir(name))
}

// tryLink gives a file a second name. linked is false without an error if there are no
// hard links; the caller then copies the file. If there is no room for a name, there is
// none for a copy, so that is an error. So is fs.ErrExist.
func (s *spool) tryLink(from, to string) (linked bool, err error) {
	err = s.reserve.WithRoom(func() error { return s.fs.Link(from, to) })
	if errors.Is(err, fs.ErrExist) || vfs.NoSpace(err) {
		return false, err
	}
	return err == nil, nil
}

// setAside keeps what another program put in place of a file under a name in damaged/.
// A regular file also keeps its own name until it is replaced.
func (s *spool) setAside(name, what string) error {
	info, err := s.fs.Stat(name)
	if err != nil {
		return err
	}
	var aside string
	if info.Mode.IsRegular() {
		aside, err = s.keepFile(name)
	} else {
		aside, err = s.newAside(name, func(aside string) error { return s.fs.Rename(name, aside) })
	}
	if err == nil {
		s.report(Repaired{File: name, Problem: what + " was set aside", Quarantined: aside})
	}
	return err
}

// keep writes bytes that were found in a file to damaged/.
func (s *spool) keep(name string, content []byte) (aside string, err error) {
	return s.newAside(name, func(aside string) error { return vfs.WriteNew(s.fs, aside, content) })
}

// keepFile gives a file a second name in damaged/, or a copy where there are no hard
// links.
func (s *spool) keepFile(name string) (aside string, err error) {
	return s.newAside(name, func(aside string) error {
		linked, err := s.tryLink(name, aside)
		if linked || err != nil {
			return err
		}
		content, err := s.readFile(name)
		if err != nil {
			return err
		}
		return vfs.WriteNew(s.fs, aside, content)
	})
}

// newAside makes a file in damaged/ under a name that is not taken.
func (s *spool) newAside(name string, create func(aside string) error) (aside string, err error) {
	for n := 1; ; n++ {
		aside = s.path(damagedDir, fmt.Sprintf("%04d-%s", n, path.Base(name)))
		if _, err := s.fs.Stat(aside); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err := create(aside); errors.Is(err, fs.ErrExist) { // somebody else took it
			continue
		} else if err != nil {
			return "", err
		}
		return aside, s.fs.SyncDir(s.path(damagedDir))
	}
}

// dayLockPath returns where the lock of a day is.
func (s *spool) dayLockPath(day Day) string { return s.path(fmt.Sprintf("day-%d.lock", lockOf(day))) }

// lockDay takes the lock of a day's object and confirmed batches, or returns
// vfs.ErrLocked.
func (s *spool) lockDay(day Day) (io.Closer, error) {
	l, err := s.fs.Lock(s.dayLockPath(day))
	if err != nil {
		return nil, err
	}
	return s.prunable.holding(lockOf(day), l), nil
}

// makeDayLocks makes the files of the locks in advance, so that they can be taken on a
// full disk.
func (s *spool) makeDayLocks() error {
	for date := range dayLocks {
		f, err := s.fs.OpenFile(s.dayLockPath(Day{2000, 1, 1 + date}), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

// usedBy returns the spool for a part of the program with a goroutine of its own. That
// part has no access to the array.
func (s *spool) usedBy(part string) *spool {
	fsys := vfs.Named(s.fs, part)
	return &spool{fs: fsys, dir: s.dir, newID: s.newID, prunable: s.prunable, syncs: s.syncs, reserve: s.reserve.On(fsys)}
}

// lock takes one of the spool's locks, or returns vfs.ErrLocked.
func (s *spool) lock(name string) (l io.Closer, err error) {
	err = s.reserve.WithRoom(func() error {
		l, err = s.fs.Lock(s.path(name))
		return err
	})
	if errors.Is(err, syscall.ENOLCK) || errors.Is(err, errors.ErrUnsupported) {
		err = hint.Add(fmt.Errorf("this file system has no locks: %w", err), "set Dir to a local disk")
	}
	return l, err
}

func (s *spool) close() error { return errors.Join(s.array.close(), s.fs.Close()) }

// used returns how many bytes pending/ and the array take. It counts again only if what
// it remembers, which may be too much, is more than limit.
func (s *spool) used(limit int64) (int64, error) {
	if s.counted && s.waiting+s.array.end <= limit {
		return s.waiting + s.array.end, nil
	}
	pending, err := s.pending()
	if err != nil {
		return 0, err
	}
	s.waiting = 0
	for _, b := range pending {
		info, err := s.fs.Stat(s.batchPath(b))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		s.waiting += info.Size // 0 if it has just been uploaded
	}
	s.counted = true
	return s.waiting + s.array.end, nil
}

// checkRoom returns ErrSpoolFull if n more bytes would not fit the bound.
func (w *Writer) checkRoom(n int64) error {
	limit := w.cfg.MaxPendingBytes
	if limit == 0 {
		return nil
	}
	used, err := w.spool.used(limit - n)
	if err == nil && used+n > limit {
		err = hint.Add(fmt.Errorf("%w: what waits for the store takes %d bytes, and MaxPendingBytes is %d", ErrSpoolFull, used, limit), "see why uploading fails")
	}
	return err
}
