package etcd

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
)

// server is as much of etcd's API as a member's client uses.
type server struct {
	etcdserverpb.UnimplementedKVServer
	etcdserverpb.UnimplementedMaintenanceServer
	etcdserverpb.UnimplementedLeaseServer

	mu     sync.Mutex
	keys   map[string]string
	bound  map[string]int64 // leases of keys
	leases map[int64]bool
	alive  int // how often leases were kept alive
}

// Range returns one key, or those of a range.
func (s *server) Range(_ context.Context, r *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(r), nil
}

func (s *server) find(r *etcdserverpb.RangeRequest) *etcdserverpb.RangeResponse {
	out := &etcdserverpb.RangeResponse{}
	for key, value := range s.keys {
		if key == string(r.Key) || len(r.RangeEnd) > 0 && key >= string(r.Key) && key < string(r.RangeEnd) {
			out.Kvs = append(out.Kvs, &mvccpb.KeyValue{Key: []byte(key), Value: []byte(value)})
		}
	}
	return out
}

// Txn carries out a transaction with comparisons of values and of revisions with 0.
func (s *server) Txn(_ context.Context, r *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &etcdserverpb.TxnResponse{Succeeded: true}
	for _, c := range r.Compare {
		value, there := s.keys[string(c.Key)]
		if c.Target == etcdserverpb.Compare_VALUE {
			out.Succeeded = out.Succeeded && value == string(c.GetValue())
		} else {
			out.Succeeded = out.Succeeded && !there && c.GetCreateRevision() == 0
		}
	}
	for _, o := range r.Success {
		if p := o.GetRequestPut(); p != nil && p.Lease != 0 && !s.leases[p.Lease] {
			return nil, rpctypes.ErrGRPCLeaseNotFound
		}
	}
	ops := r.Success
	if !out.Succeeded {
		ops = r.Failure
	}
	for _, o := range ops {
		if p := o.GetRequestPut(); p != nil {
			s.keys[string(p.Key)], s.bound[string(p.Key)] = string(p.Value), p.Lease
			out.Responses = append(out.Responses, &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponsePut{ResponsePut: &etcdserverpb.PutResponse{}}})
		} else {
			out.Responses = append(out.Responses, &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponseRange{ResponseRange: s.find(o.GetRequestRange())}})
		}
	}
	return out, nil
}

// Status says that the member leads.
func (s *server) Status(context.Context, *etcdserverpb.StatusRequest) (*etcdserverpb.StatusResponse, error) {
	return &etcdserverpb.StatusResponse{Header: &etcdserverpb.ResponseHeader{MemberId: 7}, Leader: 7, RaftAppliedIndex: 12, Version: "3.7.0"}, nil
}

// LeaseGrant grants a lease.
func (s *server) LeaseGrant(_ context.Context, r *etcdserverpb.LeaseGrantRequest) (*etcdserverpb.LeaseGrantResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := int64(len(s.leases) + 1)
	s.leases[id] = true
	return &etcdserverpb.LeaseGrantResponse{ID: id, TTL: r.TTL}, nil
}

// LeaseKeepAlive keeps leases alive that there are.
func (s *server) LeaseKeepAlive(stream grpc.BidiStreamingServer[etcdserverpb.LeaseKeepAliveRequest, etcdserverpb.LeaseKeepAliveResponse]) error {
	for {
		r, err := stream.Recv()
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.alive++
		answer := &etcdserverpb.LeaseKeepAliveResponse{ID: r.ID}
		if s.leases[r.ID] {
			answer.TTL = leaseSeconds
		}
		s.mu.Unlock()
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

// serve returns a client of a server, whose connections can be cut.
func serve(t *testing.T) (m *member, s *server, cut func()) {
	t.Helper()
	s = &server{keys: map[string]string{}, bound: map[string]int64{}, leases: map[int64]bool{}}
	g := grpc.NewServer()
	etcdserverpb.RegisterKVServer(g, s)
	etcdserverpb.RegisterMaintenanceServer(g, s)
	etcdserverpb.RegisterLeaseServer(g, s)
	listener := bufconn.Listen(1 << 20)
	go func() { _ = g.Serve(listener) }()
	t.Cleanup(g.Stop)
	var mu sync.Mutex
	var open net.Conn
	m, err := connect("etcd-0", func(ctx context.Context, pod string) (net.Conn, error) {
		if pod != "etcd-0" {
			t.Errorf("expected to be asked for etcd-0, found %s", pod)
		}
		c, err := listener.DialContext(ctx)
		mu.Lock()
		defer mu.Unlock()
		open = c
		return c, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	return m, s, func() {
		mu.Lock()
		defer mu.Unlock()
		_ = open.Close()
	}
}

func TestMember(t *testing.T) {
	ctx := t.Context()
	connected, s, cut := serve(t)
	m := session{connected, &lease{}}
	if got, err := m.Get(ctx, "a"); got != 0 || err != nil {
		t.Errorf("expected no value, found %d, %v", got, err)
	}
	if got, err := m.Swap(ctx, "a", 5, 6); got != 0 || err != nil {
		t.Errorf("expected a swap to find nothing, found %d, %v", got, err)
	}
	if got, err := m.Swap(ctx, "a", 0, 7); got != 0 || err != nil || s.keys["a"] != "7" {
		t.Errorf("expected a swap of nothing, found %d, %v, %v", got, err, s.keys)
	}
	if err := m.Put(ctx, "a", 8); err != nil {
		t.Error(err)
	}
	if got, err := m.Swap(ctx, "a", 7, 9); got != 8 || err != nil {
		t.Errorf("expected a swap to find 8, found %d, %v", got, err)
	}
	if got, err := m.Swap(ctx, "a", 8, 10); got != 8 || err != nil {
		t.Errorf("expected a swap of 8, found %d, %v", got, err)
	}
	if got, err := m.Get(ctx, "a"); got != 10 || err != nil {
		t.Errorf("expected 10, found %d, %v", got, err)
	}
	listed, err := m.List(ctx)
	entries := listed.Values
	if slices.Sort(entries); err != nil || !slices.Equal(entries, []int64{7, 8, 10}) {
		t.Errorf("expected the entries of what was written, found %v, %v", entries, err)
	}
	if is, err := m.status(ctx); err != nil || is.Header.MemberId != 7 || is.RaftAppliedIndex != 12 {
		t.Errorf("expected the member's status, found %v, %v", is, err)
	}
	s.keys["a"] = "text"
	if _, err := m.Get(ctx, "a"); err == nil || !strings.Contains(err.Error(), `found "text"`) {
		t.Errorf("expected an error for a value that no client wrote, found %v", err)
	}

	// A connection that is lost is made again.
	cut()
	s.keys["a"] = "11"
	for {
		if got, err := m.Get(ctx, "a"); err == nil {
			if got != 11 {
				t.Errorf("expected 11, found %d", got)
			}
			return
		}
		if ctx.Err() != nil {
			t.Fatal("not connected again")
		}
	}
}
