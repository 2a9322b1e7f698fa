-- The home screen's reads, the same for every hand-written peer.

-- name: viewer
SELECT h.id, h.name_sealed, c.state
  FROM session s
  JOIN cardholder h ON h.school_id = s.school_id AND h.id = s.cardholder_id
  LEFT JOIN card c ON c.school_id = s.school_id AND c.cardholder_id = s.cardholder_id
                  AND c.kind = 'VIRTUAL' AND c.state NOT IN ('REPLACED', 'CLOSED')
 WHERE s.school_id = 1 AND s.token_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > now();

-- name: lines
SELECT l.posted_at, l.kind, l.amount_minor, l.balance_after_minor, m.name_zh AS merchant_name
  FROM account a
  JOIN leg l ON l.school_id = a.school_id AND l.account_id = a.id
  LEFT JOIN merchant m ON m.school_id = l.school_id AND m.account_id = l.counter_account_id
 WHERE a.school_id = 1 AND a.owner_id = $1 AND a.kind = 'MAIN'
 ORDER BY l.posted_at DESC, l.transfer_id DESC LIMIT 20;

-- name: bare_viewer
SELECT h.id, h.name_sealed
  FROM session s
  JOIN cardholder h ON h.school_id = s.school_id AND h.id = s.cardholder_id
 WHERE s.school_id = 1 AND s.token_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > now();

-- name: cards
SELECT cardholder_id, state FROM card
 WHERE school_id = 1 AND cardholder_id = ANY ($1::uuid[]) AND kind = 'VIRTUAL'
   AND state NOT IN ('REPLACED', 'CLOSED');

-- name: bare_lines
SELECT l.posted_at, l.kind, l.amount_minor, l.balance_after_minor, l.counter_account_id
  FROM account a
  JOIN leg l ON l.school_id = a.school_id AND l.account_id = a.id
 WHERE a.school_id = 1 AND a.owner_id = $1 AND a.kind = 'MAIN'
 ORDER BY l.posted_at DESC, l.transfer_id DESC LIMIT 20;

-- name: merchants
SELECT account_id, name_zh AS merchant_name FROM merchant
 WHERE school_id = 1 AND account_id = ANY ($1::uuid[]);
