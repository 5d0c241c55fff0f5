package rotatelog

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// An Inspector inspects a spool again and again, as a page or a scraper does. It remembers
// what stays as it is, the batches above all, which may be hundreds, and so asks the disk
// only for what may have changed. It is safe for concurrent use.
type Inspector struct {
	dir, name string

	mu     sync.Mutex // guards memory, and is held while the spool is inspected
	memory memory
}

// memory is what need not be found out again.
type memory struct {
	files []string // in the spool, as names were parsed last: there may be many thousands
	names []batch
	known map[string]int64 // sizes of the files of batches, by path
	disk  *diskMemory      // nil if there is only one inspection
	zone  *time.Location   // New York; nil if it was not needed yet
}

// NewInspector returns an Inspector of the spool of a stream. An empty name is that of a
// Config without one. It does no I/O.
func NewInspector(dir, name string) *Inspector {
	if name == "" {
		name = defaultName
	}
	return &Inspector{dir: dir, name: name, memory: memory{disk: &diskMemory{}}}
}

// Inspect is like the function [Inspect].
func (i *Inspector) Inspect() (SpoolStatus, error) {
	if !validName(i.name) {
		return SpoolStatus{}, newError("inspect", i.dir, fmt.Errorf("%q is not the name of a stream", i.name))
	}
	if _, err := os.Stat(i.dir); err != nil { // vfs.Dir would make it
		return SpoolStatus{}, newError("inspect", i.dir, errors.Unwrap(err))
	}
	fsys, err := vfs.Dir(i.dir)
	if err != nil {
		return SpoolStatus{}, newError("inspect", i.dir, err)
	}
	defer fsys.Close()
	return i.inspect(fsys, &Config{Dir: i.dir, Name: i.name, Clock: systemClock{}})
}

func (i *Inspector) inspect(fsys vfs.FS, cfg *Config) (SpoolStatus, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.memory.disk != nil {
		i.memory.disk.lookAgain(fsys)
		fsys = i.memory.disk
	}
	found := inspection{memory: &i.memory, cfg: cfg, spool: &spool{fs: fsys, dir: cfg.Name + ".spool"}}
	found.spool.array.name = cfg.Name + ".json"
	found.SpoolStatus = SpoolStatus{Name: cfg.Name, Dir: cfg.Dir, Inspected: cfg.stateTime(),
		Pending: []BatchStatus{}, Confirmed: []BatchStatus{}, Unsettled: []UnsettledWrite{}, Damaged: []SpoolFile{}, Bodies: []DayBody{}, Problems: []string{}}
	if err := found.checkSpool(); err != nil {
		return SpoolStatus{}, newError("inspect", cfg.path(found.spool.dir), err)
	}
	found.all()
	i.memory.known = found.sizes
	return found.SpoolStatus, nil
}

// all finds out everything.
func (i *inspection) all() {
	i.batches()
	i.intents()
	i.damaged()
	i.bodies()
	i.Append, i.Publish = i.state(appendStateFile), i.state(publishStateFile)
	i.places()
	_, err := i.spool.fs.Stat(i.spool.path(uncleanFile))
	i.Unclean = err == nil
}
