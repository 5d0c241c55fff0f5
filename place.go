package rotatelog

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"example.com/rotatelog/internal/hint"
)

// A place is where a stream's objects are: what the Store's Location says, with
// Prefix and Name. What is confirmed in one place says nothing of another, so a
// confirmed batch and the intent of a write know theirs. What is from before places
// were remembered, and all that is confirmed in the first place since then, is of
// the first place that placesFile names.
type place struct {
	text  string // for people
	id    string // of text
	first bool
}

// place returns the place that cfg writes to.
func (cfg *Config) place() place {
	text := cfg.Prefix + cfg.Name
	if l, ok := cfg.Store.(Located); ok && l.Location() != "" {
		text = l.Location() + "/" + text
	}
	sum := sha256.Sum256([]byte(text))
	return place{text: text, id: "p" + hex.EncodeToString(sum[:4])}
}

// has reports whether a confirmed batch is in the place.
func (p place) has(b batch) bool { return b.place == p.mark() }

// mark returns what the names of files say of the place.
func (p place) mark() string {
	if p.first {
		return ""
	}
	return p.id
}

// validPlaceMark reports whether s has the form of a mark that is not "".
func validPlaceMark(s string) bool {
	if len(s) != 9 || s[0] != 'p' {
		return false
	}
	_, err := hex.DecodeString(s[1:])
	return err == nil
}

// placesFile holds all places that the spool has published to, the first one first.
const placesFile = "places.json"

type knownPlace struct {
	ID    string `json:"id"`
	Place string `json:"place"`
}

// loadPlaces finds out whether this is the first place.
func (p *publisher) loadPlaces() error {
	if p.places != nil {
		return nil
	}
	places, err := p.spool.places(p.place)
	if err != nil {
		return newError("read", p.cfg.path(p.spool.path(placesFile)), err)
	}
	p.places = places
	p.place.first = p.places[0] == p.place.known()
	return nil
}

// places returns the places that the spool has published to, or here if it names none.
func (s *spool) places(here place) ([]knownPlace, error) {
	content, err := s.readFile(s.path(placesFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var places []knownPlace
	if json.Unmarshal(content, &places) != nil || len(places) == 0 { // missing, or odd
		places = []knownPlace{here.known()}
	}
	return places, nil
}

func (p place) known() knownPlace { return knownPlace{p.id, p.text} }

// savePlace remembers the place. That comes before anything is confirmed in it.
func (p *publisher) savePlace() error {
	name := p.spool.path(placesFile)
	if !slices.Contains(p.places, p.place.known()) {
		p.places = append(p.places, p.place.known())
	}
	want, err := json.Marshal(p.places)
	if err != nil {
		return err
	}
	want = append(want, '\n')
	if found, err := p.spool.readFile(name); err != nil || !bytes.Equal(found, want) {
		if err := p.spool.writeFile(name, want); err != nil {
			return newError("write", p.cfg.path(name), err)
		}
	}
	return p.spool.moveOldIntents(p.places[0].ID)
}

// ownerKey names the metadata that holds who owns an object: a random id that
// the spool keeps.
const ownerKey = "rotatelog-owner"

// exclusive reports whether each object of the store has one Writer, because
// nothing would keep two from overwriting each other.
func exclusive(s Store) bool {
	e, ok := s.(SingleWriter)
	return ok && e.SingleWriter()
}

// meta returns the metadata to write with a document.
func (w *dayWorker) meta(doc dayState) map[string]string {
	meta := doc.meta()
	if !exclusive(w.cfg.Store) {
		return meta
	}
	if meta == nil {
		meta = map[string]string{}
	}
	meta[ownerKey] = w.owner
	return meta
}

// errOtherOwner: an object has an owner, and that is another spool's Writer.
var errOtherOwner = errors.New("it belongs to another Writer")

// checkOwner returns an error if another Writer owns the object that was seen.
func (w *dayWorker) checkOwner(seen snapshot) error { return w.checkOwnerIs(w.owner, seen) }

// checkOwnerIs is checkOwner for this spool's Writer of that id, "" if it has none yet.
func (w *dayWorker) checkOwnerIs(owner string, seen snapshot) error {
	if seen.owner == "" || seen.owner == owner || !exclusive(w.cfg.Store) {
		return nil
	}
	return newError("upload", w.key(), hint.Add(
		fmt.Errorf("%w: %w, %s, and this one is %s", ErrPermanent, errOtherOwner, seen.owner, cmp.Or(owner, "new")),
		"if this directory replaces a lost one: rotatelog takeover; "+
			"if another has taken the day over from this one: stop this Writer, and there rotatelog restore %v --source %s; "+
			"if both are to run, give each its own Name or Prefix, or set s3store.Options.Shared in both",
		w.day.day, w.cfg.Dir))
}

// ownerID returns the id by which this spool's objects are known, made when it
// is first asked for. It is written again by each process: one that was killed
// may have left a name that is not durable, and an object that carries the id
// would have no owner after a power cut.
func (s *spool) ownerID() (string, error) {
	name := s.path(ownerFile)
	content, err := s.readFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", newError("read", name, err)
	}
	id := string(content)
	if !validUploadID(id) {
		id = s.newID()
	}
	if err := s.writeFile(name, []byte(id)); err != nil {
		return "", newError("write", name, err)
	}
	return id, nil
}

// anySequence asks look for the document alone: no upload is after it.
const anySequence = math.MaxInt
