package storetest

import (
	"slices"
	"testing"

	"example.com/rotatelog"
)

func TestMemContents(t *testing.T) {
	m := NewMem()
	if b := m.Bytes("a"); b != nil {
		t.Errorf("Bytes of nothing = %q, want nil", b)
	}
	data, meta := []byte("b1"), map[string]string{"n": "1"}
	m.Put("b", data, meta)
	data[0], meta["n"] = 'X', "X"
	before := mustStat(t, m, "b")
	if string(m.Bytes("b")) != "b1" || before.Meta["n"] != "1" {
		t.Errorf("Put kept what it was given: %q, %v", m.Bytes("b"), before.Meta)
	}
	before.Meta["n"], m.Bytes("b")[0] = "X", 'X'
	if string(m.Bytes("b")) != "b1" || mustStat(t, m, "b").Meta["n"] != "1" {
		t.Errorf("Bytes or Stat gave away what is inside")
	}

	m.Put("b", []byte("b2"), nil)
	if after := mustStat(t, m, "b"); after.Version == before.Version || len(after.Meta) > 0 {
		t.Errorf("Put left %+v of %+v", after, before)
	}
	mustWrite(t, m, "a", "", []rotatelog.Part{}, nil)
	if b := m.Bytes("a"); b == nil || len(b) != 0 {
		t.Errorf("Bytes of an empty object = %v, want empty and not nil", b)
	}
	if got := m.Keys(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Keys = %q", got)
	}
}
