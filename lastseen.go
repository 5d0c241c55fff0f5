package rotatelog

import (
	"encoding/json"
	"slices"

	"example.com/rotatelog/internal/vfs"
)

// What a day's object was like when it was last seen, or left by a write, is
// remembered in the spool. By that a version which no Writer left is known, and what
// is gone from it can be named. It is not synced: a power cut may take it, and then
// the next version is believed, as far as its metadata is consistent.

// lastSeenFile holds a JSON array of lastSeen, the one noted last at the end.
const lastSeenFile = "seen.json"

// maxLastSeen is how many objects are remembered.
const maxLastSeen = 64

// lastSeen is what is remembered of an object.
type lastSeen struct {
	Place string `json:"place,omitempty"` // as in the names of confirmed batches
	Key   string `json:"key"`

	Version Version `json:"version,omitempty"` // "" if there was none
	Layout  layout  `json:"layout"`
	Uploads int     `json:"uploads"`
	Fetches int     `json:"fetches"`
	Matches int64   `json:"matches"`
	Last    int     `json:"last_sequence"`
	First   string  `json:"first_upload,omitempty"` // the upload_timestamp of the first entry

	// Reported is the version of which a loss was reported, and is being put right.
	Reported *Version `json:"reported,omitempty"`
}

// lastSeenOf returns what there is to remember of a version.
func lastSeenOf(of bodyHead, v Version, d dayState) lastSeen {
	return lastSeen{
		Place: of.Place, Key: of.Key, Version: v, Layout: d.layout(),
		Uploads: d.totals.Uploads, Fetches: d.totals.Fetches, Matches: d.totals.Matches,
		Last: d.lastSequence, First: d.first,
	}
}

// seenFile is the file of all that is remembered. It is safe for concurrent use.
type seenFile struct {
	lock   chan struct{} // guards what follows, and is held while the disk is at work
	loaded bool
	all    []lastSeen
}

func newSeenFile() *seenFile { return &seenFile{lock: make(chan struct{}, 1)} }

func (f *seenFile) unlock() { <-f.lock }

// find returns what is remembered of an object.
func (f *seenFile) find(s *spool, of bodyHead) (lastSeen, bool) {
	f.lock <- struct{}{}
	defer f.unlock()
	f.load(s)
	for _, seen := range f.all {
		if seen.Place == of.Place && seen.Key == of.Key {
			return seen, true
		}
	}
	return lastSeen{}, false
}

// update remembers seen, and forgets what was remembered of the same object.
func (f *seenFile) note(s *spool, seen lastSeen) {
	f.lock <- struct{}{}
	defer f.unlock()
	f.load(s)
	same := func(other lastSeen) bool { return other.Place == seen.Place && other.Key == seen.Key }
	if i := slices.IndexFunc(f.all, same); i >= 0 && f.all[i].equal(seen) {
		return
	}
	f.all = append(slices.DeleteFunc(f.all, same), seen)
	f.all = f.all[max(0, len(f.all)-maxLastSeen):]
	f.store(s) // or the next process believes the version that it finds
}

func (s lastSeen) equal(other lastSeen) bool {
	if (s.Reported == nil) != (other.Reported == nil) || s.Reported != nil && *s.Reported != *other.Reported {
		return false
	}
	s.Reported, other.Reported = nil, nil
	return s == other
}

// load reads the file, once. What is missing, torn or unreadable tells nothing.
func (f *seenFile) load(s *spool) {
	if f.loaded {
		return
	}
	f.loaded = true
	content, err := s.readFile(s.path(lastSeenFile))
	if err != nil || json.Unmarshal(content, &f.all) != nil {
		f.all = nil
	}
}

// store writes the file.
func (f *seenFile) store(s *spool) error {
	content, err := json.Marshal(f.all)
	if err != nil {
		return err
	}
	name := s.path(lastSeenFile)
	if err := vfs.WriteUnsynced(s.fs, name+".new", append(content, '\n')); err != nil {
		return err
	}
	return s.fs.Rename(name+".new", name)
}
