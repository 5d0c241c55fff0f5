package rotatelog

import (
	"errors"
	"maps"
	"os"
	"slices"

	"example.com/rotatelog/internal/vfs"
)

// saveBatch adds a batch to the file, and fetches to try the function on. The caller has
// the turn.
func (x *identityIndex) saveBatch(id string, i indexedBatch, probes []probe) {
	text := appendBatchLine(nil, id, i)
	n := 1
	for _, p := range probes {
		if len(x.probes) < keptProbes {
			x.probes = append(x.probes, p)
			text = appendProbeLine(text, p)
			n++
		}
	}
	x.save(text, n)
}

// save adds lines to the file, or writes all of it if that has to be.
func (x *identityIndex) save(lines []byte, n int) {
	name := x.spool.path(identitiesFile)
	if x.file.whole && x.file.append(x.spool.fs, name, lines, n) == nil {
		return
	}
	text := appendLine(nil, identitiesTitle+x.cfg.identityName())
	n = 1
	for _, p := range x.probes {
		text = appendProbeLine(text, p)
		n++
	}
	x.mu.Lock()
	for _, id := range slices.Sorted(maps.Keys(x.batches)) {
		text = appendBatchLine(text, id, x.batches[id])
		n++
	}
	x.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(x.failed)) {
		text = appendFailuresLine(text, id, x.failed[id])
		n++
	}
	x.file.replace(x.spool, name, text, n)
}

// close ends the goroutine, and saves what is known of the array, which its next Writer
// would have to read. The caller has the append semaphore.
func (x *identityIndex) close(s *spool) {
	x.stop()
	<-x.ended
	x.follow(s)
	if s.sealing != nil {
		return
	}
	x.turn <- struct{}{} // for good
	if !x.file.whole {
		x.save(nil, 0)
	}
	var lines []byte
	n := 0
	for i, record := range s.array.records {
		r := x.filling.records[i]
		if !r.saved {
			lines = appendRecordLine(lines, sumOf(record), r.hash)
			n++
		}
		if p, ok := newProbe(record, r.hash); ok && len(x.probes) < keptProbes {
			x.probes = append(x.probes, p)
			lines = appendProbeLine(lines, p)
			n++
		}
	}
	if n > 0 && x.file.whole {
		x.file.append(x.spool.fs, x.spool.path(identitiesFile), lines, n)
	}
}

// identitiesLog is how the file was left.
type identitiesLog struct {
	whole bool  // it can be added to
	lines int   // how many it has
	end   int64 // where the next begins
}

// tidy has the file written anew if most of its lines are of no use any more.
func (l *identitiesLog) tidy(useful int) {
	if l.lines > 2*useful+200 {
		l.whole = false
	}
}

// append adds lines. A power cut may take them.
func (l *identitiesLog) append(fsys vfs.FS, name string, lines []byte, n int) error {
	f, err := fsys.OpenFile(name, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(lines, l.end)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		l.whole = false
		return err
	}
	l.end += int64(len(lines))
	l.lines += n
	return nil
}

// replace puts a new file in place of the old one. If that fails, it is tried again with
// the next line.
func (l *identitiesLog) replace(s *spool, name string, text []byte, n int) {
	*l = identitiesLog{}
	err := vfs.WriteUnsynced(s.fs, name+".new", text)
	if err == nil {
		err = s.fs.Rename(name+".new", name)
	}
	if err != nil {
		s.remove(name + ".new") // what it took is wanted for fetches
		return
	}
	*l = identitiesLog{true, n, int64(len(text))}
}
