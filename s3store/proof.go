package s3store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/hint"
)

// What a server does with the conditions of a write is proven on throwaway keys
// before the first write, and trusted for a day. A single answer does not change
// that: it may come from a proxy, or be about another request.

// proof says which writes a server was seen to protect from each other.
type proof struct {
	Form   int       `json:"proof"` // proofForm
	Host   string    `json:"host"`
	Bucket string    `json:"bucket"`
	Time   time.Time `json:"time"`
	Shared bool      `json:"shared"` // it is also about Writers that share a key

	// Put: PutObject honours If-Match and If-None-Match. Multipart: an object can
	// be stored in parts. Complete and CompleteCreate: CompleteMultipartUpload
	// honours If-Match, and If-None-Match. Atomic: of several PutObject that
	// replace the same version at once one succeeds.
	Put            bool `json:"put"`
	Multipart      bool `json:"multipart"`
	Complete       bool `json:"complete"`
	CompleteCreate bool `json:"completeCreate"`
	Atomic         bool `json:"atomic,omitempty"`
}

const (
	proofForm  = 1
	proofAge   = 24 * time.Hour // for which a proof is trusted
	maxRefused = 3              // refusals of a version that is current, after which it is discarded
	refusedGap = time.Minute    // between two that count
)

func (p proof) text() string {
	b, _ := json.Marshal(p) // which cannot fail
	return string(b)
}

// suffices reports whether anything can be written under the proof.
func (p proof) suffices() bool {
	if p.Shared {
		return p.Put && p.Atomic
	}
	return p.Put || p.Multipart
}

// proofs hold what a Store has found out about its bucket.
type proofs struct {
	sem chan struct{} // holds a value while a goroutine finds out

	mu       sync.Mutex // guards what follows
	latest   proof      // the zero proof: there is none
	doubted  time.Time  // a proof must be younger to be trusted
	refusals int        // that count, since a condition was last seen to hold
	refused  time.Time  // when the last of these came
}

// current returns the latest proof. ok is false if it is no longer trusted.
func (k *proofs) current(now time.Time) (p proof, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.latest, k.latest.fresh(now)
}

func (p proof) fresh(now time.Time) bool {
	return p.Form == proofForm && !p.Time.After(now) && now.Sub(p.Time) < proofAge
}

// completes reports whether CompleteMultipartUpload is known to honour
// conditions.
func (k *proofs) completes() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.latest.completes()
}

func (p proof) completes() bool { return p.Complete && p.CompleteCreate }

// completesOr is completes, or otherwise if nothing has been found out yet.
func (k *proofs) completesOr(otherwise bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.latest.Form == 0 && k.doubted.IsZero() {
		return otherwise
	}
	return k.latest.completes()
}

// adopt makes p the latest proof, unless there is a later one, or p has been
// discarded.
func (k *proofs) adopt(p proof) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p.Time.After(k.latest.Time) && p.Time.After(k.doubted) {
		k.latest, k.refusals, k.refused = p, 0, time.Time{}
	}
}

// recordHeld saves that a condition was honoured.
func (k *proofs) recordHeld() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refusals, k.refused = 0, time.Time{}
}

// refusalCounts reports whether a refusal now would count.
func (k *proofs) refusalCounts(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refused.IsZero() || now.Sub(k.refused).Abs() >= refusedGap
}

// recordRefusal saves the refusal of a condition that holds. After several, the
// proof is discarded.
func (k *proofs) recordRefusal(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.refused.IsZero() && now.Sub(k.refused).Abs() < refusedGap {
		return
	}
	k.refused = now
	if k.refusals++; k.refusals >= maxRefused {
		k.latest, k.doubted = proof{}, now
		k.refusals, k.refused = 0, time.Time{}
	}
}

// wallTime returns the time without the monotonic clock, which stops in suspend.
func wallTime() time.Time { return time.Now().UTC().Round(0) }

// SingleWriter reports whether each key has one Writer.
func (s *Store) SingleWriter() bool { return !s.opts.Shared }

// Location implements [rotatelog.Located]: the host of the endpoint and the bucket, such as
// "us-ord-1.linodeobjects.com/logs".
func (s *Store) Location() string { return s.host + "/" + s.bucket }

// Prove implements [rotatelog.Prover]. The result is valid for a day, or until a
// condition that holds was refused three times, a minute apart. Prove makes about
// twenty small requests, or, with [Options].Shared, about 150, to keys that begin
// with "rotatelog-probe-" after the last slash of key. If ctx ends, an object of
// some bytes may stay there: cleaning up then takes two seconds at most.
func (s *Store) Prove(ctx context.Context, key, known string) (string, error) {
	p, err := s.prove(ctx, key, known)
	if err != nil {
		return "", s.explain(ctx, "prove", key, err)
	}
	return p.text(), nil
}

// proven returns what is known of the bucket, and finds it out if necessary.
func (s *Store) proven(ctx context.Context, key string) (proof, error) {
	if p, ok := s.proofs.current(wallTime()); ok {
		return p, nil
	}
	return s.prove(ctx, key, "")
}

func (s *Store) prove(ctx context.Context, key, known string) (proof, error) {
	if err := s.ready(ctx, key); err != nil {
		return proof{}, err
	}
	select {
	case s.proofs.sem <- struct{}{}:
		defer func() { <-s.proofs.sem }()
	case <-ctx.Done():
		return proof{}, context.Cause(ctx)
	}
	if p, ok := s.parseProof(known); ok {
		s.proofs.adopt(p)
	}
	if p, ok := s.proofs.current(wallTime()); ok {
		return p, nil
	}
	p, err := s.tryServer(ctx, key)
	if err != nil {
		return proof{}, err
	}
	p.Form, p.Host, p.Bucket, p.Shared, p.Time = proofForm, s.host, s.bucket, s.opts.Shared, wallTime()
	if !p.suffices() {
		return proof{}, s.unprotected()
	}
	s.proofs.adopt(p)
	return p, nil
}

// unprotected is the error if no proof suffices.
func (s *Store) unprotected() error {
	return hint.Add(permanentError("nothing can be written to the bucket %q at %s: the server honours no conditions on PutObject, and takes no multipart uploads, "+
		"so that a request which arrives late could undo a later one", s.bucket, s.endpoint), "use a server that does either")
}

// parseProof returns the proof in a text. ok is false if it is not to be trusted.
func (s *Store) parseProof(text string) (p proof, ok bool) {
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return proof{}, false
	}
	of := p.Host == s.host && p.Bucket == s.bucket && p.Shared == s.opts.Shared
	return p, of && p.fresh(wallTime()) && p.suffices()
}

// tryServer finds out what the bucket does. The proof lacks the time and the
// bucket.
func (s *Store) tryServer(ctx context.Context, key string) (proof, error) {
	if !s.opts.Shared {
		return s.tryOwned(ctx, key)
	}
	found, err := s.probe(ctx, dirOf(key), ProbeOptions{Quick: true}, true)
	if err != nil {
		return proof{}, err
	}
	p, unknown := found.proof()
	if err := found.CheckShared(); err != nil && unknown == nil {
		return proof{}, hint.Add(fmt.Errorf("%w: Writers cannot share a key here: %w", rotatelog.ErrPermanent, err),
			"give each its own Name or Prefix, and leave s3store.Options.Shared unset")
	}
	return p, unknown
}

// recordAnswer saves the answer to a conditional write. It checks whether the
// condition held only if that counts.
func (s *Store) recordAnswer(ctx context.Context, key string, old rotatelog.Version, err error) {
	switch {
	case err == nil:
		s.proofs.recordHeld()
	case isRefusal(err) && s.proofs.refusalCounts(wallTime()):
		if o, look := s.peek(ctx, key); (look == nil || errors.Is(look, errAbsent)) && o.Version == old {
			s.proofs.recordRefusal(wallTime())
		}
	}
}

// isRefusal reports whether a condition may have been refused: because it does not
// hold, or because the server does not support it.
func isRefusal(err error) bool {
	switch statusOf(err) {
	case http.StatusPreconditionFailed, http.StatusConflict, http.StatusNotImplemented:
		return true
	}
	return isNoSuchKey(err)
}

// proof returns what the Capabilities say about writing. unknown is not nil if some
// of it is unknown.
func (c Capabilities) proof() (p proof, unknown error) {
	for _, f := range []Finding{c.Reach, c.Put, c.Read, c.Write, c.CreateOnly, c.IfMatch, c.Atomic} {
		if f.Result == ResultNo {
			unknown = nil
			break
		}
		if f.Result == ResultUnknown && unknown == nil {
			unknown = fmt.Errorf("it could not be found out what the server does: %w", orUnknown(f.Err))
		}
	}
	yes := func(f Finding) bool { return f.Result == ResultYes }
	return proof{
		Put: yes(c.CreateOnly) && yes(c.IfMatch), Multipart: yes(c.Multipart),
		Complete: yes(c.CompleteIfMatch), CompleteCreate: yes(c.CompleteCreateOnly), Atomic: yes(c.Atomic),
	}, unknown
}
