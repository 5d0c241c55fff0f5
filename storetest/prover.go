package storetest

import (
	"strings"
	"testing"

	"example.com/rotatelog"
)

// proverCases are the sentences of the contract of [rotatelog.Prover].
var proverCases = []testCase{
	{"Prove returns one line, and again as long as it holds", proofHolds, false},
	{"a text that does not parse must not be believed", proofMalformed, false},
	{"Prove leaves the key alone, and what is written after it is written", proofThenWrite, false},
}

// proverOf returns s as a Prover, if it is one. A wrapper of a Store that is not a
// Prover has nothing to prove.
func proverOf(t testing.TB, s rotatelog.Store) rotatelog.Prover {
	p, ok := s.(rotatelog.Prover)
	if !ok {
		t.Skipf("the Store is no rotatelog.Prover")
	}
	if text, err := p.Prove(t.Context(), "storetest/object", ""); text == "" && err == nil {
		t.Skipf("the Store has nothing to prove")
	}
	return p
}

func mustProve(t testing.TB, p rotatelog.Prover, key, known string) string {
	t.Helper()
	text, err := p.Prove(t.Context(), key, known)
	if err != nil {
		t.Fatalf("Prove: %v", err)
	}
	if text == "" || strings.ContainsAny(text, "\r\n") {
		t.Fatalf("Prove returned %q, want one line", text)
	}
	return text
}

func proofHolds(t testing.TB, s rotatelog.Store, prefix string) {
	p := proverOf(t, s)
	text := mustProve(t, p, prefix+"object", "")
	for _, known := range []string{text, ""} {
		if again := mustProve(t, p, prefix+"object", known); again != text {
			t.Errorf("Prove of %q returned %q, and has returned %q", known, again, text)
		}
	}
}

func proofMalformed(t testing.TB, s rotatelog.Store, prefix string) {
	p := proverOf(t, s)
	for _, known := range []string{"{", "{}", "no JSON", `{"proof":1,"put":true,"multipart":true,"complete":true,"completeCreate":true,"atomic":true}`} {
		if text := mustProve(t, p, prefix+"object", known); text == known {
			t.Errorf("Prove believes %q", known)
		}
	}
}

func proofThenWrite(t testing.TB, s rotatelog.Store, prefix string) {
	p := proverOf(t, s)
	key := prefix + "object"
	mustProve(t, p, key, "")
	wantAbsent(t, s, key)
	mustWrite(t, s, key, "", text("content"), nil)
	wantContent(t, s, key, "content")
}
