package archive

import (
	"crypto/sha256"
	"hash/maphash"
)

// known is what is remembered of the uploads of a day: a few bytes for each, since a day
// may have very many. Of ids it has hashes. That two of a million are alike by chance is as
// likely as one in forty million.
type known struct {
	seed   maphash.Seed
	places map[uint64]int32 // upload_sequences, or places where that is unknown, by upload_id
	texts  map[uint64]texted
	hold   bool // texts is filled, for a day that is held against something
}

// texted is what is remembered of the text of an upload.
type texted struct {
	checksum digest // of what stands as upload_sha256
	text     digest // of its fetches
	checked  bool   // it has an upload_sha256
	whole    bool   // text is known
}

// digest is the first half of a SHA-256.
type digest [sha256.Size / 2]byte

func digestOf(s string) digest {
	sum := sha256.Sum256([]byte(s))
	return digest(sum[:])
}

func newKnown(opts VerifyOptions) known {
	return known{seed: maphash.MakeSeed(), places: map[uint64]int32{}, texts: map[uint64]texted{}, hold: opts.Spool != nil || opts.Against != nil}
}

// hash returns what an id is known by.
func (k *known) hash(id []byte) uint64 { return maphash.Bytes(k.seed, id) }

// place returns the place of the upload with that id.
func (k *known) place(id string) (place int, ok bool) {
	n, ok := k.places[maphash.String(k.seed, id)]
	return int(n), ok
}

// text returns what is remembered of the text of the upload with that id.
func (k *known) text(id string) texted { return k.texts[maphash.String(k.seed, id)] }

// add remembers an upload, and its upload_sha256 if it has one.
func (k *known) add(id string, place int, checksum string) {
	at := maphash.String(k.seed, id)
	k.places[at] = int32(place)
	if k.hold {
		k.texts[at] = texted{checksum: digestOf(checksum), checked: checksum != ""}
	}
}

// setText remembers the text of an upload that was added, of whose fetches sum is the
// SHA-256.
func (k *known) setText(id string, sum []byte) {
	at := maphash.String(k.seed, id)
	if _, ok := k.places[at]; ok && k.hold {
		t := k.texts[at]
		t.text, t.whole = digest(sum), true
		k.texts[at] = t
	}
}
