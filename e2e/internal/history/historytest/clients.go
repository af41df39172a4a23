package historytest

import (
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Client adds an operation of a client that was called so long ago and ends now. Without an outcome it is answered.
func (s *Builder) Client(took time.Duration, o history.ClientOperation) *history.ClientOperation {
	s.seq++
	o.Seq, o.At, o.Call = s.seq, s.now, max(0, s.now-took)
	if o.Outcome == "" {
		o.Outcome = history.ClientOK
	}
	s.h.Clients = append(s.h.Clients, &o)
	return &o
}

// Member adds what a member of a database says of itself now.
func (s *Builder) Member(m history.MemberState) {
	s.seq++
	m.Seq, m.At, m.Call = s.seq, s.now, s.now
	s.h.Members = append(s.h.Members, &m)
}
