package postgres

import (
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/load"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// server answers every command with a row of one value, and with a notice of that severity before it; one that is mute does not answer, one that is
// silent not even who connects, and one that fails answers with an error of that severity.
type server struct {
	silent   bool
	severity string
	mute     bool
	fails    string
	dialed   atomic.Int32
}

// pipe is a connection as a forwarded port is: closed at its deadline, and with an address that cannot be dialed.
type pipe struct{ net.Conn }

func (pipe) RemoteAddr() net.Addr { return load.Address(primary) }

func (p pipe) SetDeadline(at time.Time) error {
	if !at.IsZero() {
		time.AfterFunc(time.Until(at), func() { _ = p.Close() })
	}
	return nil
}

func (s *server) dial(context.Context, string) (net.Conn, error) {
	s.dialed.Add(1)
	near, far := net.Pipe()
	go func() {
		defer func() { _ = far.Close() }()
		s.serve(pgproto3.NewBackend(far, far))
	}()
	return pipe{near}, nil
}

// serve answers until the connection ends.
func (s *server) serve(b *pgproto3.Backend) {
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	if s.silent {
		_, _ = b.Receive()
		return
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for b.Flush() == nil {
		message, err := b.Receive()
		if err != nil {
			return
		}
		if _, complete := message.(*pgproto3.Sync); !complete || s.mute {
			continue
		}
		if s.fails != "" {
			b.Send(&pgproto3.ErrorResponse{Severity: s.fails, SeverityUnlocalized: s.fails, Code: "55P03", Message: "lock timeout"})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			continue
		}
		b.Send(&pgproto3.ParseComplete{})
		b.Send(&pgproto3.BindComplete{})
		b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("held"), DataTypeOID: 20}}})
		b.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("7")}})
		if s.severity != "" {
			b.Send(&pgproto3.NoticeResponse{Severity: s.severity, SeverityUnlocalized: s.severity, Message: "canceling wait for synchronous replication"})
		}
		b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	}
}

// A commit that did not wait for the replica is answered with success and a warning: nobody may rely on it.
func TestAWarningIsNoAcknowledgement(t *testing.T) {
	s := &server{}
	c := &session{pod: primary, dial: s.dial}
	t.Cleanup(c.close)
	for _, step := range []struct {
		severity string
		wrong    string
	}{{"", ""}, {"WARNING", "canceling wait for synchronous replication"}, {"", ""}, {"NOTICE", ""}} {
		s.severity = step.severity
		found, err := c.Swap(t.Context(), "a", 7, 8)
		if step.wrong == "" && (err != nil || found != 7) || step.wrong != "" && (err == nil || !strings.Contains(err.Error(), step.wrong)) {
			t.Errorf("%q: expected an error with %q, found %d, %v", step.severity, step.wrong, found, err)
		}
		if err := c.Put(t.Context(), "a", 9); (err != nil) != (step.wrong != "") {
			t.Errorf("%q: found %v", step.severity, err)
		}
	}
	if n := s.dialed.Load(); n != 1 {
		t.Errorf("expected one connection, found %d", n)
	}
}

// A client that gives up ends its connection, cancels nothing, and connects again.
func TestAClientGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{mute: true}
		c := &session{pod: primary, dial: s.dial}
		defer c.close()
		ctx, cancel := context.WithTimeout(t.Context(), load.OperationLimit)
		defer cancel()
		if err := c.Put(ctx, "a", 9); err == nil {
			t.Error("expected an error")
		}
		synctest.Wait()
		if n := s.dialed.Load(); n != 1 {
			t.Errorf("expected nothing to be dialed to cancel the command, found %d connections", n)
		}
		s.mute = false
		if found, err := c.Get(t.Context(), "a"); err != nil || found != 7 || s.dialed.Load() != 2 {
			t.Errorf("expected an answer by a second connection, found %d, %v", found, err)
		}
	})
}

// One that gets no answer when it connects, as from a pod that is gone, gives up as well.
func TestAClientGivesUpConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{silent: true}
		c := &session{pod: primary, dial: s.dial}
		defer c.close()
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), load.OperationLimit)
		defer cancel()
		if err := c.Put(ctx, "a", 9); !errors.Is(err, load.ErrRefused) || !errors.Is(err, load.ErrUnsent) {
			t.Errorf("expected a write that was never sent to be told so, found %v", err)
		}
		if took := time.Since(begin); took != load.OperationLimit {
			t.Errorf("expected it to take the limit of an operation, %v, found %v", load.OperationLimit, took)
		}
	})
}

// What the server gave up was not carried out, nor was what it was never sent; what ended with the connection may have been.
func TestRefusedWrites(t *testing.T) {
	for severity, want := range map[string]bool{"ERROR": true, "FATAL": false} {
		s := &server{fails: severity}
		c := &session{pod: primary, dial: s.dial}
		if err := c.Put(t.Context(), "a", 9); err == nil || errors.Is(err, load.ErrRefused) != want || errors.Is(err, load.ErrUnsent) {
			t.Errorf("%s: expected it to be sent, and refused: %t, found %v", severity, want, err)
		}
		c.close()
	}
	c := &session{pod: primary, dial: func(context.Context, string) (net.Conn, error) { return nil, errors.New("connection refused") }}
	if err := c.Put(t.Context(), "a", 9); !errors.Is(err, load.ErrRefused) {
		t.Errorf("expected a write that was never sent to be refused, found %v", err)
	}
	near, far := net.Pipe()
	c = &session{pod: primary, dial: func(context.Context, string) (net.Conn, error) { return pipe{near}, nil }}
	go func() {
		b := pgproto3.NewBackend(far, far)
		_, _ = b.ReceiveStartupMessage()
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		_ = b.Flush()
		_, _ = b.Receive()
		_ = far.Close()
	}()
	if err := c.Put(t.Context(), "a", 9); err == nil || errors.Is(err, load.ErrRefused) {
		t.Errorf("expected a connection that was lost to leave it open, found %v", err)
	}
}

func TestParse(t *testing.T) {
	sum := int64(100000)
	if got, err := parseList([]string{"3 1", "100000"}); err != nil || !reflect.DeepEqual(got, load.Listed{Values: []int64{3, 1}, Sum: &sum}) {
		t.Errorf("found %+v, %v", got, err)
	}
	if got, err := parseList([]string{"", ""}); err != nil || len(got.Values) != 0 || got.Sum == nil || *got.Sum != 0 {
		t.Errorf("expected a sum of nothing, found %+v, %v", got, err)
	}
	if _, err := parseList([]string{"x", "1"}); err == nil {
		t.Error("expected an error")
	}
	for _, c := range []struct {
		pod    string
		row    []string
		leader string
	}{
		{primary, []string{"77", primary, "15.18 (Debian 15.18-0)", "50", "t", "f"}, "77/postgres-0"},
		{replica, []string{"77", replica, "15.18", "50", "f", "t"}, "77/postgres-0"},
		{replica, []string{"77", replica, "15.18", "50", "f", "f"}, ""},
	} {
		got, err := parseState(c.pod, c.row)
		want := history.MemberState{Member: c.pod, ID: "77/" + c.pod, Leader: c.leader, Index: 50, Version: "PostgreSQL 15.18"}
		if err != nil || got != want {
			t.Errorf("expected %+v, found %+v, %v", want, got, err)
		}
	}
}
