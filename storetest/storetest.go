// Package storetest holds what a test needs around a [rotatelog.Store]: a
// conformance suite for any Store, one in memory, and one that fails on demand.
//
// The author of a Store runs the suite:
//
//	func TestMyStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) rotatelog.Store { return newMyStore(t) })
//	}
//
// The user of rotatelog gives [NewMem], or a [Faulty] around it, to a Writer
// under test.
package storetest

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
)

// Run tests that what open returns keeps the contract of [rotatelog.Store], and
// those of [rotatelog.Lister], [rotatelog.Copier], [rotatelog.IntentWriter],
// [rotatelog.Prover], [rotatelog.Located] and [rotatelog.Warner] if it implements them; if not, those subtests are skipped.
// Each subtest is named after the sentence of the contract that it tests.
//
// open is called once for each subtest, and may return the same Store, or
// another one of the same bucket, every time: the keys of a subtest start with
// "storetest/" and a random word of its own. A Store cannot delete, so about 150
// objects stay behind, 8 MB in total, and for a [rotatelog.IntentWriter]
// eleven times MinCopy more. Give a real bucket a lifecycle rule for that
// prefix, or delete it.
//
// Where writers compete, a Write may return an error that leaves its outcome open, as
// the contract allows, and its effect is looked for. Without competition the
// answer must be exact. A network failure fails the test.
//
// A Store may lose metadata; then the subtests about metadata are skipped, and say
// so. Subtests in which writers compete are skipped for a
// [rotatelog.SingleWriter]: its keys have one Writer.
func Run(t *testing.T, open func(t *testing.T) rotatelog.Store) {
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			if c.skips(s) {
				t.Skip("the Store says that no two Writers may share a key")
			}
			c.run(t, s, "storetest/"+strings.ToLower(rand.Text())+"/")
		})
	}
}

// skips reports whether the case does not apply to s.
func (c testCase) skips(s rotatelog.Store) bool {
	e, ok := s.(rotatelog.SingleWriter)
	return ok && e.SingleWriter() && c.compete
}

func allCases() []testCase {
	return slices.Concat(cases, streamCases, listCases, copyCases, intentCases, proverCases, placeCases)
}

// testCase is one sentence of the contract. run gets a Store in which no
// key has the prefix, and uses only the methods of t that recorder implements.
type testCase struct {
	name    string
	run     func(t testing.TB, s rotatelog.Store, prefix string)
	compete bool // several writers write to one key at once
}

var cases = []testCase{
	{"Stat must match fs.ErrNotExist if, and only if, there is no object", statAbsence, false},
	{"Stat describes the current version", statCurrent, false},
	{"no Store may return the zero Version with a nil error", zeroVersion, false},
	{"versions with different contents must have different Versions", versionsDiffer, false},
	{"all of an Object must belong to one version", objectWhole, false},

	{"Read returns n bytes at off", readRanges, false},
	{"a negative n means all from off on", readRest, false},
	{"a range that goes past the end must be an error", readPastEnd, false},
	{"Read of a version that is no longer current must match ErrConflict", readStale, false},
	{"the reader must never yield bytes of another version", readReplaced, false},

	{"Write replaces the object by the concatenation of parts", writeParts, false},
	{"a large object is kept whole", writeLarge, false},
	{"many parts are as good as one", writeManyParts, false},
	{"a copy of what the old version does not have is an error, and changes nothing", writeBadCopy, false},
	{"the zero Version means that there must be no object", writeCreate, false},
	{"Write applies if, and only if, the current version is old", writeReplace, false},
	{"Write must not change or keep parts, their Data, or meta", writeKeepsNothing, false},

	{"metadata is as written, and of its version", metaReplaced, false},
	{"metadata may be any printable ASCII, of nearly 2 KB", metaLarge, false},

	{"a Store is a map from key to object", keysApart, false},
	{"every method must return soon after ctx is done", contextDone, false},

	{"readers must see the version before or the version after, whole", readersSeeWhole, false},
	{"of concurrent writes over one version at most one is applied", writersRace, true},
	{"concurrent appends lose nothing", appendersRace, true},
}
