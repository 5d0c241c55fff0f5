package fakes3

import "maps"

// Stats count what a server did since it was made, or since [Server.Reset].
type Stats struct {
	Requests map[string]int // by operation, such as "PutObject", failed ones included
	Received int64          // bytes of request bodies, as they came
	Sent     int64          // bytes of response bodies
	Copied   int64          // bytes copied by UploadPartCopy and CopyObject
}

// Total returns how many requests there were.
func (st Stats) Total() int {
	n := 0
	for _, k := range st.Requests {
		n += k
	}
	return n
}

func newStats() Stats { return Stats{Requests: map[string]int{}} }

// Stats returns the counts so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Requests = maps.Clone(st.Requests)
	return st
}

// Reset sets all counts to zero, and with them [Op].N.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats = newStats()
}

func (s *Server) countReceived(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Received += int64(n)
}

func (s *Server) countSent(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Sent += int64(n)
}
