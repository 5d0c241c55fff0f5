package rotatelog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/rawjson"
	"example.com/rotatelog/internal/vfs"
)

// A BatchState says where in a spool a batch is.
type BatchState int

const (
	// Unfinished is the batch that is being filled. Its sequence is not known, and its ID
	// follows from its fetches, so that it is the same each time it is read.
	Unfinished BatchState = iota
	// Pending is a batch that waits for the store. Its Writer brings it.
	Pending
	// Confirmed is a batch that the day's object was seen to hold, under its Sequence.
	Confirmed
)

// A SpoolBatch is a batch in a spool.
type SpoolBatch struct {
	DayUpload
	State BatchState
	File  string // its path, for people
}

// SpoolReader reads a spool, also one that was copied from another machine. It takes no
// lock and changes nothing, and is safe to use beside a running Writer.
type SpoolReader struct {
	cfg   *Config
	spool *spool
	place *place // if it is set, what was confirmed in another place is left out
}

// OpenSpoolReader opens the spool of a stream. Of cfg it uses Dir, Name, Location, Count
// and, if Store is set, what says where the stream is: Store and Prefix. What the spool has
// confirmed in another place is left out then, as is right for a stream that has moved. The
// error matches [fs.ErrNotExist] if there is no spool.
func OpenSpoolReader(cfg Config) (*SpoolReader, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	fsys := cfg.fs
	if fsys == nil {
		if _, err := os.Stat(cfg.Dir); err != nil {
			return nil, newError("open", cfg.Dir, err)
		}
		if fsys, err = vfs.Dir(cfg.Dir); err != nil {
			return nil, newError("open", cfg.Dir, err)
		}
	}
	s := &spool{fs: fsys, dir: cfg.Name + ".spool"}
	s.array.name = cfg.Name + ".json"
	r := &SpoolReader{cfg: &cfg, spool: s}
	if _, err := fsys.ReadDir(s.dir); err != nil {
		return nil, errors.Join(r.fail("open", s.dir, err), fsys.Close())
	}
	if err := r.findPlace(); err != nil {
		return nil, errors.Join(err, fsys.Close())
	}
	return r, nil
}

// findPlace finds out how the spool marks what is confirmed in the place of the stream, if
// that is known.
func (r *SpoolReader) findPlace() error {
	if noStore(r.cfg.Store) {
		return nil
	}
	here := r.cfg.place()
	places, err := r.spool.places(here)
	if err != nil {
		return r.fail("read", r.spool.path(placesFile), err)
	}
	here.first = places[0] == here.known()
	r.place = &here
	return nil
}

// fail returns the error of an operation on a file.
func (r *SpoolReader) fail(op, name string, err error) error {
	return newError(op, r.cfg.path(name), r.spool.explainDenied(err))
}

// Dir returns the path of the spool itself, which is below Config.Dir.
func (r *SpoolReader) Dir() string { return r.cfg.path(r.spool.dir) }

// Close closes the spool.
func (r *SpoolReader) Close() error { return r.spool.fs.Close() }

// Batches returns the batches of a day, whatever their compression: the confirmed ones
// that are still there, the pending ones, and the unfinished one, in the order in which
// they were sealed. A batch that is damaged has the fetches that can be read, perhaps none,
// and says how many it Lacks.
func (r *SpoolReader) Batches(day Day) ([]SpoolBatch, error) {
	names, last, err := r.namesAndLast(day)
	if err != nil {
		return nil, err
	}
	var found []SpoolBatch
	seen := map[string]bool{}
	for _, b := range names {
		if b.day != day || seen[b.id] || r.isElsewhere(b) {
			continue
		}
		batch, err := r.batch(b)
		if errors.Is(err, fs.ErrNotExist) { // it was deleted since it was listed
			continue
		}
		if err != nil {
			return nil, err
		}
		seen[b.id] = true
		found = append(found, batch)
	}
	if last.FetchCount > 0 && !seen[last.ID] {
		found = append(found, last)
	}
	return found, nil
}

// namesAndLast returns all batches, and the unfinished one if it is of that day. A batch
// that is sealed meanwhile is one or the other.
func (r *SpoolReader) namesAndLast(day Day) (names []batch, last SpoolBatch, err error) {
	names, err = r.names()
	for err == nil {
		var again []batch
		if last, err = r.unfinished(day); err != nil {
			return nil, SpoolBatch{}, err
		}
		if again, err = r.names(); err == nil && latest(again) == latest(names) {
			return names, last, nil
		}
		names = again
	}
	return nil, SpoolBatch{}, r.fail("list", r.spool.dir, err)
}

// names returns all batches. Half a spool, as a copy may be, has those that it has.
func (r *SpoolReader) names() ([]batch, error) {
	names, err := r.spool.names()
	if !errors.Is(err, fs.ErrNotExist) {
		return names, err
	}
	pending, noPending := r.spool.pending()
	uploaded, noUploaded := r.spool.uploaded()
	if errors.Is(noPending, fs.ErrNotExist) && errors.Is(noUploaded, fs.ErrNotExist) {
		return nil, fmt.Errorf("this is no spool: it has neither %s/ nor %s/: %w", pendingDir, uploadedDir, fs.ErrNotExist)
	}
	for _, err := range []error{noPending, noUploaded} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	names = slices.Concat(pending, uploaded)
	slices.SortFunc(names, byOrder)
	return names, nil
}

// isElsewhere reports whether a batch was confirmed in a place that does not count.
func (r *SpoolReader) isElsewhere(b batch) bool {
	return r.place != nil && b.sequence > 0 && !r.place.has(b)
}

// batch reads a batch.
func (r *SpoolReader) batch(b batch) (SpoolBatch, error) {
	b, u, err := r.readMoved(b)
	if err != nil {
		return SpoolBatch{}, err
	}
	b = r.spool.present(b)
	state := Pending
	if b.sequence > 0 {
		state = Confirmed
	}
	open := func() (io.ReadCloser, error) {
		_, u, err := r.readMoved(b)
		return io.NopCloser(bytes.NewReader(u.Data)), err
	}
	d := u.dayUpload(b.sequence, open)
	d.Counted, d.Lacks = true, max(0, b.fetches()-u.Fetches)
	return SpoolBatch{d, state, r.cfg.path(r.spool.batchPath(b))}, nil
}

// readMoved reads a batch, which may have been confirmed since it was listed, and returns
// what it is by now.
func (r *SpoolReader) readMoved(b batch) (batch, upload, error) {
	u, err := r.read(b)
	if !errors.Is(err, fs.ErrNotExist) {
		return b, u, err
	}
	names, listErr := r.names()
	if listErr != nil {
		return b, u, r.fail("list", r.spool.dir, listErr)
	}
	for _, now := range names {
		if now.id == b.id && now != b {
			u, err := r.read(now)
			return now, u, err
		}
	}
	return b, u, err
}

// read reads a batch as the upload that it is or becomes, uncompressed.
func (r *SpoolReader) read(b batch) (upload, error) {
	u := upload{Timestamp: r.cfg.timestamp(b), ID: b.id}
	text := sha256.New()
	_, err := r.spool.load(b, true, func(fetch []byte, read, size int64) error {
		err := u.addFetch(r.cfg.Count, fetch, text)
		u.reserve(read, size)
		return err
	})
	if errors.Is(err, syscall.EIO) && b.sequence > 0 {
		err = hint.Add(err, "try again; if its disk has failed, move the file away, and what it held is looked for elsewhere")
	}
	if err != nil {
		return upload{}, r.fail("read", r.spool.batchPath(b), err)
	}
	u.SHA256 = u.checksum(text)
	return u, nil
}

// unfinished returns the batch in the local file, if it is of that day. It may have no
// fetches.
func (r *SpoolReader) unfinished(day Day) (SpoolBatch, error) {
	name := r.spool.array.name
	content, err := r.spool.readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return SpoolBatch{}, nil
	}
	if err != nil {
		return SpoolBatch{}, r.fail("read", name, err)
	}
	info, err := r.spool.fs.Stat(name)
	if err != nil || r.dayOfArray(info) != day {
		return SpoolBatch{}, err
	}
	u := upload{Timestamp: day.clip(info.ModTime, r.cfg.Location).Format(TimeLayout)}
	text := sha256.New()
	records, _, _ := rawjson.SplitArray(dropBOM(content))
	for _, fetch := range records {
		if err := u.addFetch(r.cfg.Count, fetch, text); err != nil {
			return SpoolBatch{}, r.fail("read", name, err)
		}
	}
	u.ID = hex.EncodeToString(text.Sum(nil))[:26]
	u.SHA256 = u.checksum(text)
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(u.Data)), nil }
	d := u.dayUpload(0, open)
	d.Counted = true
	return SpoolBatch{d, Unfinished, r.cfg.path(name)}, nil
}

// dayOfArray returns the day of the batch that is being filled, by batch.json or, if
// that is not there, by the time of the file.
func (r *SpoolReader) dayOfArray(info vfs.Info) Day {
	if p := r.progress(); !p.Day.IsZero() {
		return p.Day
	}
	return DayOf(info.ModTime, r.cfg.Location)
}

// progress returns what batch.json says, if it can be read.
func (r *SpoolReader) progress() (p progress) {
	content, err := r.spool.readFile(r.spool.path(progressFile))
	if err != nil || json.Unmarshal(content, &p) != nil {
		return progress{}
	}
	return p
}

// CompressionOf returns how the Writer compresses the object of a day, by the batches of
// that day or by batch.json. known is false if it has sealed none.
func (r *SpoolReader) CompressionOf(day Day) (c Compression, known bool, err error) {
	names, err := r.names()
	if err != nil {
		return c, false, r.fail("list", r.spool.dir, err)
	}
	for _, b := range slices.Backward(names) {
		if b.day == day && !r.isElsewhere(b) {
			return b.pack, true, nil
		}
	}
	l, known := r.progress().last(day)
	return l.Compression, known, nil
}

// Body returns the uploads of the last body of a day's object that the spool keeps. It
// keeps one of a day whose object is small. There are none without an error if it has
// none, or none that is whole.
func (r *SpoolReader) Body(day Day, c Compression) ([]DayUpload, error) {
	o := dayKey{day, c}
	for _, name := range []string{r.spool.bodyPath(o), r.spool.path(bodyFile)} {
		head, body, err := r.spool.readBody(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errTorn) || err == nil && !r.isBodyOf(head, o) {
			continue
		}
		if err != nil {
			return nil, r.fail("read", name, err)
		}
		entries, err := plainEntriesOf(o, body)
		if err != nil {
			continue // it is of no use
		}
		var uploads []DayUpload
		for _, e := range entries {
			if e.changed { // by who changed the object, before the Writer read it
				continue
			}
			open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(e.Data)), nil }
			uploads = append(uploads, e.again().dayUpload(e.sequence, open))
		}
		return uploads, nil
	}
	return nil, nil
}

// isBodyOf reports whether a body is of a day's object.
func (r *SpoolReader) isBodyOf(head bodyHead, o dayKey) bool {
	return head.Key == r.cfg.key(o) && (r.place == nil || head.Place == r.place.mark())
}

// Damaged returns the paths of the files in which the spool keeps what it could not
// understand.
func (r *SpoolReader) Damaged() ([]string, error) {
	names, err := r.spool.fs.ReadDir(r.spool.path(damagedDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, r.fail("list", r.spool.path(damagedDir), err)
	}
	for i, name := range names {
		names[i] = r.cfg.path(r.spool.path(damagedDir, name))
	}
	return names, nil
}

// dayUpload returns u, whose text open returns, under a sequence.
func (u upload) dayUpload(sequence int, open func() (io.ReadCloser, error)) DayUpload {
	return DayUpload{Sequence: sequence, Timestamp: u.Timestamp, Matches: u.Matches, FetchCount: u.Fetches,
		ID: u.ID, SHA256: u.SHA256, Open: open, Size: int64(len(u.Data))}
}
