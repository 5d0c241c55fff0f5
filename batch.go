package rotatelog

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/packed"
	"example.com/rotatelog/internal/rawjson"
)

// batch is a sealed batch. The name of its file says all that is known of it.
type batch struct {
	day         Day
	order       int       // of sealing, over all days, from 1
	first, last int       // daily fetch numbers
	sealed      time.Time // whole seconds, UTC
	id          string    // the upload_id: letters and digits
	sequence    int       // the upload_sequence once it is confirmed, before that 0
	place       string    // where it is confirmed; "": the first place, or not confirmed
	pack        Compression
	zst         bool // its file is compressed, as kept batches are
}

const sealedLayout = "20060102T150405Z"

// The ends of the names of batches, the second one that of those that are compressed.
const (
	batchSuffix = ".json"
	zstSuffix   = ".zst"
)

// dayKey returns the object that the batch goes to. It is part of the name, so that a
// batch that may have been uploaded never goes to another object.
func (b batch) dayKey() dayKey { return dayKey{b.day, b.pack} }

// fileName returns {day}-{order}-{first}-{last}-{sealed}-{id}.json, with -zst or
// -gz before the dot if the day's object is compressed, and after that, once the batch
// is confirmed, -{place} if that is not the first place, and -{sequence}. A compressed file
// has .zst after that.
func (b batch) fileName() string {
	name := append(make([]byte, 0, 96), b.day.String()...) // there may be many thousands to name
	name = appendPadded(name, 8, b.order)
	name = appendPadded(name, 6, b.first)
	name = appendPadded(name, 6, b.last)
	name = b.sealed.AppendFormat(append(name, '-'), sealedLayout)
	name = append(append(name, '-'), b.id...)
	if b.pack != Uncompressed {
		name = append(append(name, '-'), b.pack.suffix()...)
	}
	if b.place != "" {
		name = append(append(name, '-'), b.place...)
	}
	if b.sequence > 0 {
		name = appendPadded(name, 6, b.sequence)
	}
	if b.zst {
		return string(name) + batchSuffix + zstSuffix
	}
	return string(name) + batchSuffix
}

// appendPadded appends a dash and a number of at least so many digits.
func appendPadded(b []byte, digits, n int) []byte {
	text := strconv.Itoa(n)
	b = append(b, '-')
	for range digits - len(text) {
		b = append(b, '0')
	}
	return append(b, text...)
}

// parseBatch is the reverse of fileName. ok is false if the file is not a batch.
func parseBatch(name string) (b batch, ok bool) {
	base, zst := strings.CutSuffix(name, zstSuffix)
	base, ok = strings.CutSuffix(base, batchSuffix)
	b.zst = zst
	f := strings.Split(base, "-")
	if len(f) > 8 {
		if pack, ok := packOf(f[8]); ok {
			b.pack, f = pack, slices.Delete(f, 8, 9)
		}
	}
	if len(f) > 9 && validPlaceMark(f[8]) {
		b.place = f[8]
		f = slices.Delete(f, 8, 9)
	}
	if !ok || len(f) != 8 && len(f) != 9 {
		return batch{}, false
	}
	var errs [6]error
	b.day, errs[0] = ParseDay(strings.Join(f[:3], "-"))
	b.order, errs[1] = strconv.Atoi(f[3])
	b.first, errs[2] = strconv.Atoi(f[4])
	b.last, errs[3] = strconv.Atoi(f[5])
	b.sealed, errs[4] = time.Parse(sealedLayout, f[6])
	b.id = f[7]
	if len(f) == 9 {
		b.sequence, errs[5] = strconv.Atoi(f[8])
	}
	for _, err := range errs {
		if err != nil {
			return batch{}, false
		}
	}
	return b, b.fileName() == name // one spelling only, so that a name can be made again
}

// pending returns the batch as it was before it was confirmed.
func (b batch) pending() batch {
	b.sequence, b.place = 0, ""
	return b
}

func (b batch) fetches() int { return b.last - b.first + 1 }

// byOrder sorts batches as they were sealed.
func byOrder(a, b batch) int { return cmp.Compare(a.order, b.order) }

// pending returns the batches that wait, in the order of sealing. Their names are not
// durable before syncPending.
func (s *spool) pending() ([]batch, error) {
	names, err := s.fs.ReadDir(s.path(pendingDir))
	return parseBatches(names), err
}

// uploaded returns the last confirmed batches, in the order of sealing.
func (s *spool) uploaded() ([]batch, error) {
	names, err := s.readUploaded()
	return parseBatches(names), err
}

// readUploaded returns the names in uploaded/. A file that gets another name there while the
// directory is read may be listed under neither: a large directory is read in pieces. So it
// is read until nothing has changed.
func (s *spool) readUploaded() ([]string, error) {
	names, err := s.fs.ReadDir(s.path(uploadedDir))
	for err == nil {
		var again []string
		if again, err = s.fs.ReadDir(s.path(uploadedDir)); err == nil && slices.Equal(names, again) {
			return names, nil
		}
		names = again
	}
	return nil, err
}

// parseBatches returns the batches among names, in the order of sealing.
func parseBatches(names []string) []batch {
	var batches []batch
	compressed := false
	for _, name := range names {
		if b, ok := parseBatch(name); ok {
			batches = append(batches, b)
			compressed = compressed || b.zst
		}
	}
	if compressed {
		batches = withoutTwins(batches)
	}
	slices.SortFunc(batches, byOrder)
	return batches
}

// batchPath returns the path of b, which is in uploaded/ once it is confirmed.
func (s *spool) batchPath(b batch) string {
	if b.sequence > 0 {
		return s.path(uploadedDir, b.fileName())
	}
	return s.path(pendingDir, b.fileName())
}

// syncPending makes the names in pending/ durable. Nothing may be uploaded before that:
// a batch that was uploaded and then forgotten would be sealed and uploaded again.
func (s *spool) syncPending() error {
	return s.syncs.do(func() error { return s.fs.SyncDir(s.path(pendingDir)) })
}

// names returns all batches in the spool, one of them perhaps twice. The process that
// publishes may move batches from pending to uploaded meanwhile, and back, so it looks
// until nothing has moved.
func (s *spool) names() ([]batch, error) {
	files, err := s.files()
	return parseBatches(files), err
}

// files returns the names of the files that names looks at.
func (s *spool) files() ([]string, error) {
	pending, err := s.fs.ReadDir(s.path(pendingDir))
	for err == nil {
		var uploaded, again []string
		if uploaded, err = s.readUploaded(); err == nil {
			again, err = s.fs.ReadDir(s.path(pendingDir))
		}
		if err == nil && slices.Equal(pending, again) {
			return append(pending, uploaded...), nil
		}
		pending = again
	}
	return nil, err
}

// latest returns the batch that was sealed last, or the zero batch.
func latest(names []batch) batch {
	if len(names) == 0 {
		return batch{}
	}
	return names[len(names)-1]
}

// alias gives a batch a second name, in another directory. If there are no hard links
// it is copied: after a rename from one directory to another, a power cut may leave the
// name in neither, and then the numbers in it are lost.
func (s *spool) alias(from, to string) error {
	linked, err := s.tryLink(from, to)
	if linked || errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	content, err := s.readFile(from)
	if err != nil {
		return err
	}
	return s.writeFile(to, content)
}

// abandon takes a pending batch that holds nothing readable out of the way; its
// bytes are in damaged/.
func (s *spool) abandon(b batch) error {
	s.unlinkLast(b)
	return s.remove(s.batchPath(b))
}

// load calls each for every fetch of a batch, as readBatch does. If the file
// does not parse it is kept in damaged/ and reported, unless that is known.
func (s *spool) load(b batch, known bool, each func(fetch []byte, read, size int64) error) (odd *Repaired, err error) {
	name := s.batchPath(b)
	n := 0
	whole, err := s.readBatch(b, func(fetch []byte, read, size int64) error {
		n++
		return each(fetch, read, size)
	})
	damaged := errors.Is(err, errDamagedBatch)
	if damaged {
		err = nil
	}
	if err != nil || whole || known {
		return nil, notRead(b, err)
	}
	problem := fmt.Sprintf("it does not parse as a whole; %d of its %d fetches can be read", n, b.fetches())
	if damaged {
		problem = damagedProblem
	}
	aside, err := s.keepFile(name)
	return &Repaired{File: name, Problem: problem, Quarantined: aside}, notRead(b, err)
}

// notRead returns the error of reading a batch. One that is confirmed must not be appended
// again.
func notRead(b batch, err error) error {
	if !errors.Is(err, syscall.EIO) || b.sequence > 0 {
		return err
	}
	return hint.Add(fmt.Errorf("%w: the disk cannot read a batch that is not uploaded: %w", ErrPermanent, err),
		"copy from it what can be read, move the file away, and append that again")
}

// progress is what batch.json holds: what the array does not say. It is written when a
// batch of another day than the last one begins. The names of the batches that were
// sealed since then say the rest.
type progress struct {
	Day    Day          `json:"day"`              // of the batch being filled
	First  int          `json:"first"`            // daily number of its first fetch
	Order  int          `json:"order"`            // that it will have when sealed
	Last   []lastNumber `json:"last"`             // of recent days, the latest used at the end
	Copied bool         `json:"copied,omitempty"` // its seal may be by a copy, and batch.json is written again after it
}

// lastNumber is the number of the last sealed fetch of a day, and how the day's
// object is compressed.
type lastNumber struct {
	Day         Day         `json:"day"`
	Number      int         `json:"number"`
	Compression Compression `json:"compression,omitempty"`
}

// recentDays is for how many days batch.json remembers the last number. Fetches
// go to one or two days at a time; only archives replayed out of order need more.
const recentDays = 366

// number returns the last number used on day.
func (p progress) number(day Day) int {
	l, _ := p.last(day)
	return l.Number
}

// last returns what is known of day, if a batch of it was sealed.
func (p progress) last(day Day) (lastNumber, bool) {
	for _, l := range p.Last {
		if l.Day == day {
			return l, true
		}
	}
	return lastNumber{}, false
}

// withLast returns p with number as the last one used on day.
func (p progress) withLast(day Day, number int, pack Compression) progress {
	last := make([]lastNumber, 0, len(p.Last)+1)
	for _, l := range p.Last {
		if l.Day != day {
			last = append(last, l)
		}
	}
	last = append(last, lastNumber{day, number, pack})
	if len(last) > recentDays {
		last = last[len(last)-recentDays:]
	}
	p.Last = last
	return p
}

// startBatch returns p with an empty batch of day.
func (p progress) startBatch(day Day) progress {
	p.Day, p.First = day, p.number(day)+1
	return p
}

// afterSeal returns the progress once b is sealed: an empty batch of the same day.
func (p progress) afterSeal(b batch) progress {
	p = p.withLast(b.day, max(b.last, p.number(b.day)), b.pack)
	p.Order = max(p.Order, b.order+1)
	return p.startBatch(b.day)
}

// load reads the first of waiting, as many as go into one write. It returns
// waiting without the batches in which nothing can be read; their bytes were set
// aside.
func (w *dayWorker) load(waiting []batch) ([]upload, []batch, error) {
	var uploads []upload
	for size := 0; len(uploads) < min(len(waiting), maxBatches) && size < maxWrite; {
		b := waiting[len(uploads)]
		u, err := w.encode(b)
		if err != nil {
			return nil, waiting, err
		}
		if u.Fetches == 0 {
			if err := w.spool.abandon(b); err != nil {
				return nil, waiting, newError("remove", w.cfg.path(w.spool.batchPath(b)), err)
			}
			waiting = slices.Delete(waiting, len(uploads), len(uploads)+1)
			continue
		}
		uploads = append(uploads, u)
		size += len(u.Data)
	}
	return uploads, waiting, nil
}

// encode reads a pending batch and makes its upload.
func (w *dayWorker) encode(b batch) (upload, error) {
	u := upload{Timestamp: w.cfg.timestamp(b), ID: b.id}
	var to *packed.Writer
	text := sha256.New()
	odd, err := w.spool.load(b, w.damaged[b.id], func(fetch []byte, read, size int64) (err error) {
		if err := u.addFetch(w.cfg.Count, fetch, text); err != nil {
			return err
		}
		if b.pack == Uncompressed {
			u.reserve(read, size)
			return nil
		}
		if to == nil {
			to, err = packed.NewWriter(b.pack.format(), size)
		}
		if err == nil {
			err = u.packInto(to)
		}
		return err
	})
	if err != nil {
		return upload{}, newError("read", w.cfg.path(w.spool.batchPath(b)), err)
	}
	if to != nil {
		if err := u.packed(to); err != nil {
			return upload{}, newError("compress", w.cfg.path(w.spool.batchPath(b)), err)
		}
	}
	u.SHA256 = u.checksum(text)
	if odd != nil {
		w.damaged[b.id] = true
		w.state.record(func(_ *WriterState, today *DayCounts) { today.Repaired++ })
		w.cfg.reportRepaired(*odd)
	}
	tally := counts{u.Fetches, u.Matches}
	w.loaded[b.id] = loaded{counts: tally, bytes: int64(len(u.Data))}
	w.stats.setTally(b.id, tally)
	return u, nil
}

// addFetch adds a fetch to u, and to the text that is hashed.
func (u *upload) addFetch(count CountFunc, fetch []byte, text hash.Hash) (err error) {
	added := len(u.Data)
	if u.Fetches++; u.Fetches > 1 {
		u.Data = append(u.Data, fetchSeparator...)
	}
	begin := len(u.Data)
	if u.Data, err = rawjson.AppendCompact(u.Data, fetch); err != nil {
		return err
	}
	text.Write(u.Data[added:])
	if n, err := checkedCount(count, u.Data[begin:]); err == nil { // reported when it was appended
		u.Matches = addClamped(u.Matches, n)
	}
	return nil
}

// reserve makes room for the other fetches, now and not by doubling, once the
// first has used read bytes of a file of that size: they are as long.
func (u *upload) reserve(read, size int64) {
	if u.Fetches == 1 && read > 0 {
		more := float64(len(u.Data)) * float64(size-read) / float64(read)
		u.Data = slices.Grow(u.Data, int(more*1.05)+len(fetchSeparator))
	}
}

// pack compresses the Data of u.
func (u *upload) pack(c Compression) error {
	if c == Uncompressed {
		return nil
	}
	to, err := packed.NewWriter(c.format(), int64(len(u.Data)))
	if err != nil {
		return err
	}
	if err := u.packInto(to); err != nil {
		return err
	}
	return u.packed(to)
}

// packInto gives to what there is of the Data of u.
func (u *upload) packInto(to *packed.Writer) error {
	_, err := to.Write(u.Data)
	u.Data = u.Data[:0]
	return err
}

// packed makes the piece that to has compressed the Data of u.
func (u *upload) packed(to *packed.Writer) (err error) {
	u.Data = append(u.Data, entryClose...)
	if err := u.packInto(to); err != nil {
		return err
	}
	u.Data, u.sum, err = to.Finish()
	return err
}
