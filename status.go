package rotatelog

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog/internal/duration"
	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/rawjson"
	"example.com/rotatelog/internal/vfs"
)

// A SpoolStatus is what a spool says of its stream, to any process that may read it. Its
// JSON names are stable.
type SpoolStatus struct {
	Name      string    `json:"name"` // of the stream
	Dir       string    `json:"dir"`
	Inspected time.Time `json:"inspected"`

	Place  string   `json:"place,omitempty"`  // that was published to last
	Places []string `json:"places,omitempty"` // that were ever published to, the first one first

	// Day and Number are those of the last fetch, as far as the spool says. The Day is zero
	// if there was none.
	Day        Day             `json:"day,omitzero"`
	Number     int             `json:"number"`
	Unfinished UnfinishedBatch `json:"unfinished"`
	// Unclean says that a Writer has the stream open for appending, or was killed.
	Unclean bool `json:"unclean"`

	Pending   []BatchStatus    `json:"pending"`   // that wait for the store, the oldest first
	Confirmed []BatchStatus    `json:"confirmed"` // that are kept though they are in the store
	Unsettled []UnsettledWrite `json:"unsettled"`
	Damaged   []SpoolFile      `json:"damaged"` // what was found where it did not belong
	Bodies    []DayBody        `json:"bodies"`  // whole copies of small days' objects

	Append  *WriterState `json:"append"`  // of the Writer that appends; nil if it has left none
	Publish *WriterState `json:"publish"` // of the Writer that uploads; nil if it has left none

	// Problems are what could not be read or understood, for people.
	Problems []string `json:"problems"`
}

// An UnfinishedBatch is the batch that is being filled.
type UnfinishedBatch struct {
	Fetches int       `json:"fetches"`
	Bytes   int64     `json:"bytes"`            // of its file
	Changed time.Time `json:"changed,omitzero"` // when that was written last
}

// A BatchStatus is a sealed batch. It has been waiting since Sealed.
type BatchStatus struct {
	ID          string      `json:"id"` // upload_id
	Day         Day         `json:"day"`
	First       int         `json:"first"` // daily fetch numbers
	Last        int         `json:"last"`
	Fetches     int         `json:"fetches"`
	Bytes       int64       `json:"bytes"` // of its file
	Sealed      time.Time   `json:"sealed"`
	Compression Compression `json:"compression,omitempty"` // of the day's object
	Sequence    int         `json:"sequence,omitempty"`    // upload_sequence, once it is confirmed
	File        string      `json:"file"`
}

// An UnsettledWrite is a write to a day's object of which it is not known whether it has
// taken effect, or will. The Writer that uploads next finds out.
type UnsettledWrite struct {
	Day   Day      `json:"day"`
	Place string   `json:"place"`
	IDs   []string `json:"ids"` // of the batches that it brings
	File  string   `json:"file"`
}

// A SpoolFile is a file in the spool.
type SpoolFile struct {
	File    string    `json:"file"`
	Bytes   int64     `json:"bytes"`
	Changed time.Time `json:"changed"`
}

// A DayBody is the last body of a day's object that is small enough to be written whole.
type DayBody struct {
	Day Day `json:"day"`
	SpoolFile
}

// Seen says who wrote the state and how long ago, as "seen 12 s ago by pid 7 on web1".
// Whether that process still runs, it cannot say.
func (s WriterState) Seen(now time.Time) string {
	if ahead := s.Written.Sub(now); ahead > maxAhead {
		return fmt.Sprintf("seen by pid %d on %s, by a clock that was %s ahead", s.PID, s.Host, roughly(ahead))
	}
	return fmt.Sprintf("seen %s ago by pid %d on %s", roughly(now.Sub(s.Written)), s.PID, s.Host)
}

// roughly returns d in its largest unit.
func roughly(d time.Duration) string { return duration.Text(d, "days") }

// Inspect returns what the spool of a stream says. An empty name is that of a Config
// without one. It takes no lock and writes nothing, and so is safe beside a running
// Writer, which may change the spool meanwhile: each list is then from some moment of
// the inspection. It reads the unfinished batch, and of the others only the names.
//
// The error matches [fs.ErrNotExist] if there is no spool of that name. What is in the
// spool and cannot be read or understood is no error: see Problems.
func Inspect(dir, name string) (SpoolStatus, error) {
	i := NewInspector(dir, name)
	i.memory.disk = nil // to remember takes longer than to look once
	return i.Inspect()
}

// inspection is a SpoolStatus being collected.
type inspection struct {
	SpoolStatus
	*memory
	cfg   *Config
	spool *spool
	sizes map[string]int64 // of the files of batches that were found
}

// problem records what could not be read. What is missing is none.
func (i *inspection) problem(name string, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.Problems = append(i.Problems, newError("read", i.cfg.path(name), i.spool.explainDenied(err)).Error())
	}
}

// checkSpool returns an error if there is no spool, or nothing of it can be read.
func (i *inspection) checkSpool() error {
	s := i.spool
	info, err := s.fs.Stat(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return hint.Add(fmt.Errorf("there is no spool of the stream %s: %w", i.cfg.Name, fs.ErrNotExist), "%s", i.others())
	}
	if err != nil {
		return err
	}
	if !info.Mode.IsDir() {
		return errors.New("it is not a directory, and so no spool")
	}
	names, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return s.explainDenied(err)
	}
	for _, name := range names {
		switch name {
		case appendLock, progressFile, pendingDir, uploadedDir:
			return nil
		}
	}
	return fmt.Errorf("it has nothing that a Writer leaves, and so is no spool: %w", fs.ErrNotExist)
}

// others says which streams there are in the directory.
func (i *inspection) others() string {
	names, _ := i.spool.fs.ReadDir(".")
	var streams []string
	for _, name := range names {
		if stream, ok := strings.CutSuffix(name, ".spool"); ok && validName(name) {
			streams = append(streams, stream)
		}
	}
	if len(streams) == 0 {
		return "the directory has no spool at all: set it to Config.Dir of the Writer"
	}
	return "the directory has those of " + strings.Join(streams, ", ")
}

// batches looks at the batches and at the array. A Writer may move on meanwhile, so it
// looks until nothing has moved, or often enough.
func (i *inspection) batches() {
	for range 20 {
		i.Problems, i.Pending, i.Confirmed = []string{}, []BatchStatus{}, []BatchStatus{}
		found := i.found()
		i.describe(found)
		problems := i.Problems
		after := i.found()
		i.Problems = problems
		if after.newest.order == found.newest.order && after.array.info == found.array.info {
			break
		}
	}
}

// found returns what recovery would decide by.
func (i *inspection) found() (f foundSpool) {
	s := i.spool
	files, err := s.files()
	if !slices.Equal(files, i.files) {
		i.files, i.names = files, parseBatches(files)
	}
	if f.names = i.names; err != nil { // half a spool
		i.problem(s.dir, err)
		pending, err := s.pending()
		i.problem(s.path(pendingDir), err)
		uploaded, err := s.uploaded()
		i.problem(s.path(uploadedDir), err)
		f.names = append(uploaded, pending...)
	}
	content, err := s.readFile(s.path(progressFile))
	if err == nil {
		err = json.Unmarshal(content, &f.progress)
	}
	if err != nil {
		i.problem(s.path(progressFile), err)
		f.progress = progress{}
	}
	f.array.info, err = s.fs.Stat(s.array.name)
	i.problem(s.array.name, err)
	f.array.exists = err == nil
	f.newest = latest(f.names)
	if info, err := s.fs.Stat(s.batchPath(f.newest)); err == nil {
		f.newestFile = info.ID
	}
	return f
}

// describe describes what was found.
func (i *inspection) describe(f foundSpool) {
	i.sizes = make(map[string]int64, len(f.names))
	for _, b := range f.names {
		i.batch(b)
	}
	i.Unfinished = UnfinishedBatch{}
	fetches := 0
	if f.array.exists {
		fetches = i.countArray(f.array.info)
		i.Unfinished = UnfinishedBatch{fetches, f.array.info.Size, f.array.info.ModTime.UTC()}
	}
	f.array.records = make([][]byte, fetches)
	newYork, err := i.newYork()
	if err != nil {
		i.problem(i.spool.dir, err)
		return
	}
	plan, err := f.plan(DayOf(i.Inspected, newYork), func(_ []byte, file vfs.Info) Day { return DayOf(file.ModTime, newYork) })
	i.problem(i.spool.array.name, err)
	if plan.resume != nil { // it is sealed, and the array not emptied yet
		plan.progress = plan.progress.afterSeal(plan.resume.batch)
		i.Unfinished.Fetches, fetches = 0, 0
	}
	i.Day, i.Number = plan.progress.Day, max(0, plan.progress.First+fetches-1)
	if fetches == 0 && len(f.names) == 0 && !f.hasProgress() {
		i.Day, i.Number = Day{}, 0
	}
}

// newYork returns the zone of days. It is read from a file.
func (i *inspection) newYork() (zone *time.Location, err error) {
	if i.zone == nil {
		i.zone, err = time.LoadLocation(defaultZone)
	}
	return i.zone, err
}

// batch adds a batch, unless it has been moved since it was listed.
func (i *inspection) batch(b batch) {
	name := i.spool.batchPath(b)
	size, ok := i.known[name]
	if !ok {
		b = i.spool.present(b)
		name = i.spool.batchPath(b)
		info, err := i.spool.fs.Stat(name)
		if err != nil {
			i.problem(name, err)
			return
		}
		size = info.Size
	}
	i.sizes[name] = size
	status := BatchStatus{ID: b.id, Day: b.day, First: b.first, Last: b.last, Fetches: b.fetches(), Bytes: size,
		Sealed: b.sealed, Compression: b.pack, Sequence: b.sequence, File: i.cfg.path(name)}
	if b.sequence > 0 {
		i.Confirmed = append(i.Confirmed, status)
	} else {
		i.Pending = append(i.Pending, status)
	}
}

// countArray returns how many fetches the array holds. A Writer that appends to it
// replaces its last bytes, so what does not parse is read again.
func (i *inspection) countArray(info vfs.Info) int {
	name := i.spool.array.name
	if !info.Mode.IsRegular() {
		i.problem(name, errors.New("it is not a file"))
		return 0
	}
	for try := 1; ; try++ {
		n, whole, err := i.readArray(name, info.Size)
		switch {
		case err != nil:
			i.problem(name, err)
			return 0
		case whole || try == 3:
			if !whole {
				i.problem(name, fmt.Errorf("it does not parse as a whole; %d fetches can be read", n))
			}
			return n
		}
	}
}

// readArray counts the fetches of a file of about that size.
func (i *inspection) readArray(name string, size int64) (fetches int, whole bool, err error) {
	f, err := i.spool.fs.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), int(min(size+1, 64<<10)))
	whole, err = rawjson.ReadArray(r, func([]byte, int64) error {
		fetches++
		return nil
	})
	return fetches, whole, err
}

// intents adds the writes that are in doubt.
func (i *inspection) intents() {
	s := i.spool
	names, err := s.intents()
	i.problem(s.path(intentsDir), err)
	for _, n := range names {
		in, ok, err := s.loadIntent(n)
		i.problem(s.intentPath(n), err)
		if ok && in.Text != "" {
			i.Unsettled = append(i.Unsettled, UnsettledWrite{n.day.day, in.Place, in.IDs, i.cfg.path(s.intentPath(n))})
		}
	}
}

// damaged adds what was set aside.
func (i *inspection) damaged() {
	s := i.spool
	names, err := s.fs.ReadDir(s.path(damagedDir))
	i.problem(s.path(damagedDir), err)
	for _, name := range names {
		info, err := s.fs.Stat(s.path(damagedDir, name))
		if err != nil {
			i.problem(s.path(damagedDir, name), err)
			continue
		}
		i.Damaged = append(i.Damaged, SpoolFile{i.cfg.path(s.path(damagedDir, name)), info.Size, info.ModTime.UTC()})
	}
}

// bodies adds the bodies that are kept.
func (i *inspection) bodies() {
	s := i.spool
	names, err := s.fs.ReadDir(s.dir)
	i.problem(s.dir, err)
	for _, name := range names {
		date, ok := strings.CutPrefix(name, bodyPrefix)
		day, err := ParseDay(date[:min(len(date), len(dayLayout))])
		if !ok || err != nil || strings.HasSuffix(name, ".new") {
			continue
		}
		if info, err := s.fs.Stat(s.path(name)); err == nil { // or it has just been removed
			i.Bodies = append(i.Bodies, DayBody{day, SpoolFile{i.cfg.path(s.path(name)), info.Size, info.ModTime.UTC()}})
		}
	}
}

// state returns a state file, nil if there is none that can be read.
func (i *inspection) state(name string) *WriterState {
	state, err := i.spool.readState(name)
	if err != nil {
		i.problem(i.spool.path(name), err)
		return nil
	}
	return &state
}

// places adds where the stream was published to.
func (i *inspection) places() {
	name := i.spool.path(placesFile)
	content, err := i.spool.readFile(name)
	var known []knownPlace
	if err == nil {
		err = json.Unmarshal(content, &known)
	}
	i.problem(name, err)
	for _, p := range known {
		i.Places = append(i.Places, p.Place)
		i.Place = p.Place
	}
	if i.Publish != nil && i.Publish.LastLook != nil {
		i.Place = i.Publish.LastLook.Place
	}
}
