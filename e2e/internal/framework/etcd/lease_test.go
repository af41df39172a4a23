package etcd

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/load"
)

func TestLease(t *testing.T) {
	ctx := t.Context()
	connected, s, _ := serve(t)
	held := &lease{}
	c := session{connected, held}
	for value, want := range map[int64]int64{2: 1, 3: 0} {
		if err := c.Put(ctx, "a", value); err != nil {
			t.Fatal(err)
		}
		entry := entryPrefix + string(rune('0'+value))
		if got := s.bound[entry]; got != want || s.bound["a"] != 0 {
			t.Errorf("expected %s to be bound to the lease %d, and the key to none, found %d and %d", entry, want, got, s.bound["a"])
		}
	}
	if s.alive != 0 {
		t.Errorf("expected a new lease not to be kept alive, found %d requests", s.alive)
	}

	held.alive = time.Now().Add(-leaseAliveEvery)
	for value := int64(4); value < 8; value++ {
		if err := c.Put(ctx, "a", value); err != nil {
			t.Fatal(err)
		}
	}
	if s.alive != 1 || len(s.leases) != 1 {
		t.Errorf("expected one lease, which was kept alive once, found %d leases and %d requests", len(s.leases), s.alive)
	}

	// A lease that the database has lost: the write was not carried out, and the next takes another lease.
	clear(s.leases)
	s.leases[9] = true
	if err := c.Put(ctx, "a", 8); !errors.Is(err, load.ErrRefused) || s.keys["a"] != "7" {
		t.Errorf("expected a write without its lease to be refused, found %v, %v", err, s.keys)
	}
	if found, err := c.Swap(ctx, "a", 7, 10); found != 7 || err != nil || s.bound[entryPrefix+"10"] != 2 {
		t.Errorf("expected a swap with a new lease, found %d, %v, %v", found, err, s.bound)
	}
	clear(s.leases)
	held.alive = time.Time{}
	err := c.Put(ctx, "a", 12)
	if !errors.Is(err, load.ErrRefused) || !strings.Contains(err.Error(), "its lease") || held.id != 0 {
		t.Errorf("expected a lease that cannot be kept alive to be given up, found %v, %v", err, held)
	}
}
