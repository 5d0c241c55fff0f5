package rotatelog_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
)

const identitiesFile = "all_api.spool/identities"

// fillOnce stores a to e in batches of two; e stays in the local file.
func (b *bench) fillOnce(identity func([]byte) (string, error)) {
	b.cfg.MaxFetches, b.cfg.Identity = 2, identity
	b.away()
	b.open()
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		b.appendID(id)
	}
	if err := b.Close(); err != nil {
		b.t.Fatal(err)
	}
}

var fiveIDs = []string{"a", "b", "c", "d", "e"}

// The next Writer reads no batch if the index has them.
func TestIndexSavesReading(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.fillOnce(rotatelog.HeaderIdentity)
		opened := b.record(func(op crashfs.Op) string {
			if op.Kind == "OpenFile" && strings.HasPrefix(op.Name, "all_api.spool/pending/") && strings.HasSuffix(op.Name, ".json") {
				return op.Name
			}
			return ""
		})
		b.cfg.AppendOnly = true
		b.open()
		b.appendID("f")
		b.appendID("g")
		if names := opened(); len(names) > 0 {
			t.Errorf("it read %q", names)
		}
		b.wantDuplicatesOf("b", 2)
		if names := opened(); len(names) == 0 || names[0] != names[len(names)-1] {
			t.Errorf("for one duplicate it read %q", names)
		}
	})
}

// However the index is damaged, all fetches that are stored are found, and no others.
func TestIndexThatIsDamaged(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.fillOnce(rotatelog.HeaderIdentity)
		good, err := b.disk.ReadFile(identitiesFile)
		if err != nil {
			t.Fatal(err)
		}
		b.cfg.AppendOnly = true
		left := b.disk
		try := func(what string, content []byte) {
			b.setDisk(left.Kill())
			if err := b.disk.WriteFile(identitiesFile, content, 0o600); err != nil {
				t.Fatal(err)
			}
			b.open()
			b.wantDuplicates(fiveIDs...)
			if r := b.appendID("new"); r.Duplicate {
				t.Errorf("%s: %+v", what, r)
			}
			b.Close()
			b.open()
			b.wantDuplicates(append(fiveIDs, "new")...)
			b.Close()
			if t.Failed() {
				t.Fatalf("%s of %d bytes", what, len(good))
			}
		}
		for i := range good {
			if i%7 == 0 {
				try("cut", good[:i])
				flipped := bytes.Clone(good)
				flipped[i] ^= 1
				try("flipped", flipped)
			}
		}
		try("zeros", make([]byte, len(good)))
		try("another's", []byte("hello\n"))
		try("twice", append(bytes.Clone(good), good...))
	})
}

// An index that one function made says nothing to another.
func TestIndexOfAnotherFunction(t *testing.T) {
	length := func(keep string) func([]byte) (string, error) {
		return func(fetch []byte) (string, error) {
			id, err := rotatelog.HeaderIdentity(fetch)
			if keep != "" {
				id = strings.ToUpper(id)
			}
			return id, err
		}
	}
	for name, functions := range map[string][2]func([]byte) (string, error){
		"another function":               {rotatelog.HeaderIdentity, rotatelog.ContentIdentity},
		"the same with other parameters": {length(""), length("upper")},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.fillOnce(functions[0])
				b.cfg.Identity = functions[1]
				b.open()
				b.wantDuplicates(fiveIDs...)
				b.cfg.Identity = functions[0]
				b.reopen()
				b.wantDuplicates(fiveIDs...)
				b.wantOnce(fiveIDs...)
			})
		})
	}
}

// Batches that were sealed without an Identity, or by a Writer that was killed, are read.
func TestIndexThatIsBehind(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.fillOnce(rotatelog.HeaderIdentity)
		b.cfg.Identity = nil
		b.open()
		for _, id := range []string{"f", "g"} {
			b.appendID(id)
		}
		b.cfg.Identity = rotatelog.HeaderIdentity
		b.reopen()
		b.wantDuplicates("a", "b", "c", "d", "e", "f", "g")
		b.wantOnce("a", "b", "c", "d", "e", "f", "g")
	})
}

// A hash that two identities share is no reason to refuse a fetch.
func TestIndexWithAForeignHash(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.fillOnce(rotatelog.HeaderIdentity)
		content, err := b.disk.ReadFile(identitiesFile)
		if err != nil {
			t.Fatal(err)
		}
		forged := rotatelog.ForgeIdentity(content, "batch", `"new"`)
		forged = rotatelog.ForgeIdentity(forged, "record", `"new"`)
		if err := b.disk.WriteFile(identitiesFile, forged, 0o600); err != nil {
			t.Fatal(err)
		}
		b.open()
		if r := b.appendID("new"); r.Duplicate || r.Number != 6 {
			t.Errorf("%+v", r)
		}
		b.wantOnce("a", "b", "c", "d", "e", "new")
	})
}

// The index does not grow with what is no longer kept.
func TestIndexForgets(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor, b.cfg.Identity = 1, 2, -1, rotatelog.ContentIdentity
		b.open()
		largest := 0
		for i := range 500 {
			b.append(i)
			b.flush()
			if i%9 == 0 {
				b.reopen()
			}
			content, _ := b.disk.ReadFile(identitiesFile)
			largest = max(largest, bytes.Count(content, []byte("\n")))
		}
		if largest > 450 {
			t.Errorf("the file has up to %d lines for at most four batches", largest)
		}
		if r := b.append(499)[0]; !r.Duplicate {
			t.Errorf("the last: %+v", r)
		}
	})
}

// A batch that somebody has changed meanwhile is read again.
func TestIndexOfABatchThatWasChanged(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.fillOnce(rotatelog.HeaderIdentity)
		name := "all_api.spool/pending/" + b.pending()[1]
		content, err := b.disk.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		changed := bytes.Replace(content, []byte(`"d"`), []byte(`"changed"`), 1)
		if err := b.disk.ReplaceFile(name, changed, 0o400); err != nil {
			t.Fatal(err)
		}
		b.cfg.AppendOnly = true
		b.open()
		b.wantDuplicatesOf("c", 3)
		b.wantDuplicatesOf("changed", 4)
		if r := b.appendID("d"); r.Duplicate {
			t.Errorf("what is gone: %+v", r)
		}
	})
}

// Each Writer looks at the sizes of a few batches at once, and at those of the others if it
// stays open.
func TestIndexComparesFewAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.Identity, b.cfg.AppendOnly = 1, rotatelog.HeaderIdentity, true
		b.open()
		for i := range 40 {
			b.appendID(fmt.Sprint(i))
		}
		b.Close()
		first := "all_api.spool/pending/" + b.pending()[0]
		if err := b.disk.ReplaceFile(first, withID("changed"), 0o400); err != nil {
			t.Fatal(err)
		}
		compared := b.record(func(op crashfs.Op) string {
			if op.Kind == "Stat" && op.Name == first {
				return op.Name
			}
			return ""
		})
		b.open()
		if n := len(compared()); n > 0 {
			t.Errorf("it was looked at %d times at once", n)
		}
		time.Sleep(2 * time.Second)
		if n := len(compared()); n != 1 {
			t.Errorf("it was looked at %d times within two seconds", n)
		}
		b.wantDuplicatesOf("39", 40)
	})
}
