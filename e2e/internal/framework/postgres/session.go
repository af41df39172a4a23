package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/load"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const (
	// port is where a server listens.
	port = 5432
	// clients is how many use it: each has a connection of its own, for which the server starts a process.
	clients = 9
)

// dialer connects to a pod's server.
type dialer func(ctx context.Context, pod string) (net.Conn, error)

// session is one client's connection to a server. It is made when it is used first, and again after it was lost.
type session struct {
	pod  string
	dial dialer

	mu      sync.Mutex
	conn    *pgconn.PgConn
	warning string // of the command that is under way
}

// setUp makes what the clients use. It may be carried out again. The function of all writes is one transaction, as every command by itself is: it sets a
// key, leaves an entry and moves an amount between two accounts, which it locks in their order, so that no two transactions wait for each other.
const setUp = `
create table if not exists kv (key text primary key, value bigint not null);
create table if not exists entries (value bigint primary key);
create table if not exists accounts (id int primary key, balance bigint not null);
insert into accounts select n, 1000 from generate_series(0, 99) n on conflict do nothing;
create or replace function write(k text, expected bigint, v bigint) returns bigint language plpgsql as $$
declare
	held bigint;
	giver int := floor(random() * 100);
	taker int := (giver + 1 + floor(random() * 99)::int) % 100;
	amount int := floor(random() * 100);
begin
	insert into kv values (k, 0) on conflict do nothing;
	select value into held from kv where key = k for update;
	if held <> expected then
		return held;
	end if;
	update kv set value = v where key = k;
	insert into entries values (v);
	perform from accounts where id in (giver, taker) order by id for update;
	update accounts set balance = balance + case id when taker then amount else -amount end where id in (giver, taker);
	return held;
end $$;
`

// The commands of the clients. Where nothing is expected, every value is.
const (
	getValue   = `select value from kv where key = $1`
	writeValue = `select write($1, nullif($2, '')::bigint, $3)`
	listAll    = `select (select string_agg(value::text, ' ') from entries), (select sum(balance) from accounts)`
	askState   = `select c.system_identifier, current_setting('cluster_name'), current_setting('server_version'),
		case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end - '0/0'::pg_lsn,
		not pg_is_in_recovery(), exists (select from pg_stat_wal_receiver where status = 'streaming') from pg_control_system() c`
)

// Get returns the value of a key, 0 where it has none.
func (s *session) Get(ctx context.Context, key string) (int64, error) {
	row, err := s.query(ctx, getValue, key)
	if err != nil || row == nil {
		return 0, err
	}
	return strconv.ParseInt(row[0], 10, 64)
}

// Put writes a value, and leaves its entry.
func (s *session) Put(ctx context.Context, key string, value int64) error {
	_, err := s.query(ctx, writeValue, key, "", strconv.FormatInt(value, 10))
	return err
}

// Swap writes a value, and leaves its entry, if the key holds another, and returns what the key held.
func (s *session) Swap(ctx context.Context, key string, expected, value int64) (int64, error) {
	row, err := s.query(ctx, writeValue, key, strconv.FormatInt(expected, 10), strconv.FormatInt(value, 10))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(row[0], 10, 64)
}

// List returns the values of all entries and the sum of the accounts, as they are at one moment.
func (s *session) List(ctx context.Context) (load.Listed, error) {
	row, err := s.query(ctx, listAll)
	if err != nil {
		return load.Listed{}, err
	}
	return parseList(row)
}

// parseList reads the answer to listAll. Without accounts there is no sum.
func parseList(row []string) (found load.Listed, err error) {
	for text := range strings.FieldsSeq(row[0]) {
		value, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return found, fmt.Errorf("expected a number that a client wrote, found %q", text)
		}
		found.Values = append(found.Values, value)
	}
	sum := int64(0)
	if row[1] != "" {
		sum, err = strconv.ParseInt(row[1], 10, 64)
	}
	found.Sum = &sum
	return found, err
}

// state asks the server how it is.
func (s *session) state(ctx context.Context) (history.MemberState, error) {
	row, err := s.query(ctx, askState)
	if err != nil {
		return history.MemberState{}, err
	}
	return parseState(s.pod, row)
}

// parseState reads the answer to askState. A database and its copies share an identifier, and each has a name in it. A replica follows the primary
// while it streams.
func parseState(pod string, row []string) (history.MemberState, error) {
	version, _, _ := strings.Cut(row[2], " ")
	out := history.MemberState{Member: pod, ID: row[0] + "/" + row[1], Version: "PostgreSQL " + version}
	switch {
	case row[4] == "t":
		out.Leader = out.ID
	case row[5] == "t":
		out.Leader = row[0] + "/" + primary
	}
	index, err := strconv.ParseUint(row[3], 10, 64)
	out.Index = index
	return out, err
}

// query carries out a command that is answered with one row at the most, and returns its values, "" for those that are null. A commit that does not
// wait for the replica any more is answered with success and a warning: it counts as an error.
func (s *session) query(ctx context.Context, command string, args ...string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn, err := s.connected(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", load.ErrUnsent, err)
	}
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	answer := conn.ExecParams(ctx, command, values, nil, nil, nil).Read()
	switch {
	case answer.Err != nil:
		return nil, asRefused(answer.Err)
	case s.warning != "":
		return nil, fmt.Errorf("answered with a warning: %s", s.warning)
	case len(answer.Rows) == 0:
		return nil, nil
	}
	row := make([]string, len(answer.Rows[0]))
	for i, value := range answer.Rows[0] {
		row[i] = string(value)
	}
	return row, nil
}

// asRefused tells errors with which the server gave a transaction up from those after which it may have committed: one that ended the connection, and
// every other trouble with it.
func asRefused(err error) error {
	if answer, answered := errors.AsType[*pgconn.PgError](err); answered && answer.SeverityUnlocalized == "ERROR" {
		return fmt.Errorf("%w: %w", load.ErrRefused, err)
	}
	return err
}

// prepare carries out setUp.
func (s *session) prepare(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn, err := s.connected(ctx)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, setUp).ReadAll()
	return err
}

// connected returns a connection for the next command, a new one if there is none or it was lost.
func (s *session) connected(ctx context.Context) (*pgconn.PgConn, error) {
	if s.conn == nil || s.conn.IsClosed() {
		config, err := s.config()
		if err != nil {
			return nil, err
		}
		if s.conn, err = pgconn.ConnectConfig(ctx, config); err != nil {
			return nil, err
		}
	}
	s.warning = ""
	return s.conn, nil
}

var errNoCancel = errors.New("a client that gives up says so to nobody")

func (s *session) config() (*pgconn.Config, error) {
	config, err := pgconn.ParseConfig(fmt.Sprintf("host=%s port=%d user=postgres dbname=postgres sslmode=disable", s.pod, port))
	if err != nil {
		return nil, err
	}
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	config.DialFunc = func(ctx context.Context, network, _ string) (net.Conn, error) {
		// To cancel a command, the address of its connection is dialed. A commit that waits for the replica would then wait no more, and others
		// would read what the replica does not have.
		if network == load.Address("").Network() {
			return nil, errNoCancel
		}
		return s.dial(ctx, s.pod)
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			s.warning = n.Message
		}
	}
	return config, nil
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Conn().Close()
	}
}
