SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA durable_mail;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE durable_mail.content (
    message_id bigint NOT NULL,
    gzip bytea NOT NULL,
    drop_at bigint
);
ALTER TABLE ONLY durable_mail.content ALTER COLUMN gzip SET STORAGE EXTERNAL;
CREATE TABLE durable_mail.event (
    seq bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    subscription_id bigint NOT NULL,
    message_id bigint NOT NULL,
    identity text NOT NULL COLLATE pg_catalog."C",
    soft_identity text COLLATE pg_catalog."C",
    idempotency_key text NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    attempt integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    due_at bigint,
    lease_until bigint,
    run_id text,
    execution_id text,
    last_error text,
    created_at bigint NOT NULL,
    settled_at bigint,
    reported_at bigint,
    unclaimed integer DEFAULT 0 NOT NULL,
    end_told boolean DEFAULT true NOT NULL,
    CONSTRAINT event_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT event_check CHECK (((failures >= 0) AND (failures <= attempt))),
    CONSTRAINT event_check1 CHECK (
CASE state
    WHEN 'PENDING'::text THEN ((due_at IS NOT NULL) AND (lease_until IS NULL) AND (run_id IS NULL) AND (execution_id IS NULL) AND (settled_at IS NULL))
    WHEN 'QUEUED'::text THEN ((due_at IS NULL) AND (lease_until IS NOT NULL) AND (run_id IS NOT NULL) AND (settled_at IS NULL) AND (attempt > 0))
    WHEN 'RUNNING'::text THEN ((due_at IS NULL) AND (lease_until IS NOT NULL) AND (run_id IS NOT NULL) AND (execution_id IS NOT NULL) AND (settled_at IS NULL) AND (attempt > 0))
    WHEN 'RETRY'::text THEN ((due_at IS NOT NULL) AND (lease_until IS NULL) AND (settled_at IS NULL) AND (failures > 0))
    WHEN 'DONE'::text THEN ((due_at IS NULL) AND (lease_until IS NULL) AND (settled_at IS NOT NULL))
    WHEN 'DEAD'::text THEN ((due_at IS NULL) AND (lease_until IS NULL) AND (settled_at IS NOT NULL) AND (failures > 0))
    WHEN 'GONE'::text THEN ((due_at IS NULL) AND (lease_until IS NULL) AND (settled_at IS NOT NULL))
    WHEN 'UNKNOWN'::text THEN ((due_at IS NULL) AND (lease_until IS NULL) AND (settled_at IS NOT NULL) AND (attempt > 0))
    ELSE false
END),
    CONSTRAINT event_check2 CHECK (((reported_at IS NULL) OR (state = ANY (ARRAY['DEAD'::text, 'UNKNOWN'::text])))),
    CONSTRAINT event_unclaimed_check CHECK ((unclaimed >= 0))
)
WITH (autovacuum_vacuum_scale_factor='0.05', autovacuum_analyze_scale_factor='0.05');
ALTER TABLE durable_mail.event ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME durable_mail.event_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE durable_mail.mail_action (
    id bigint NOT NULL,
    source_id bigint NOT NULL,
    subscription_id bigint NOT NULL,
    message_id bigint NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    ending text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL,
    begun integer DEFAULT 0 NOT NULL,
    due_at bigint NOT NULL,
    last_error text,
    last_error_at bigint,
    created_at bigint NOT NULL,
    CONSTRAINT mail_action_action_check CHECK ((jsonb_typeof((action)::jsonb) = 'object'::text)),
    CONSTRAINT mail_action_begun_check CHECK ((begun >= 0)),
    CONSTRAINT mail_action_check CHECK (((last_error IS NULL) = (last_error_at IS NULL))),
    CONSTRAINT mail_action_ending_check CHECK ((ending = ANY (ARRAY['DONE'::text, 'DEAD'::text])))
);
ALTER TABLE durable_mail.mail_action ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME durable_mail.mail_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE durable_mail.message (
    id bigint NOT NULL,
    source_id bigint NOT NULL,
    identity text NOT NULL COLLATE pg_catalog."C",
    soft_identity text COLLATE pg_catalog."C",
    header_message_id text,
    sender text,
    subject text,
    uid bigint,
    uid_validity text,
    received_at bigint,
    recorded_at bigint NOT NULL,
    size bigint NOT NULL,
    weak_identity text COLLATE pg_catalog."C"
);
ALTER TABLE durable_mail.message ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME durable_mail.message_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE durable_mail.once_key (
    key text NOT NULL COLLATE pg_catalog."C",
    holder text NOT NULL COLLATE pg_catalog."C",
    lease_until bigint,
    finish text NOT NULL,
    keep_ms bigint,
    finished_at bigint,
    expires_at bigint,
    CONSTRAINT once_key_check CHECK (
CASE
    WHEN (finished_at IS NULL) THEN ((lease_until IS NOT NULL) AND (expires_at IS NULL))
    ELSE (lease_until IS NULL)
END),
    CONSTRAINT once_key_finish_check CHECK ((finish = ANY (ARRAY['onSuccess'::text, 'anyway'::text])))
);
CREATE TABLE durable_mail.ownership (
    one boolean DEFAULT true NOT NULL,
    ledger_id text NOT NULL,
    owner text,
    home text,
    host text,
    owned_at bigint,
    said_at bigint,
    CONSTRAINT ownership_check CHECK ((((owner IS NULL) = (owned_at IS NULL)) AND ((owner IS NULL) = (said_at IS NULL)))),
    CONSTRAINT ownership_check1 CHECK (((owner IS NOT NULL) OR ((home IS NULL) AND (host IS NULL)))),
    CONSTRAINT ownership_one_check CHECK (one)
);
CREATE TABLE durable_mail.schema_version (
    version integer NOT NULL,
    one boolean DEFAULT true NOT NULL,
    CONSTRAINT schema_version_one_check CHECK (one)
);
CREATE TABLE durable_mail.seen (
    subscription_id bigint NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE durable_mail.source (
    id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    mailbox text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'pending'::text NOT NULL,
    connection text DEFAULT 'closed'::text NOT NULL,
    last_success_at bigint,
    last_error_at bigint,
    last_error text,
    fence bigint DEFAULT 0 NOT NULL,
    holder text COLLATE pg_catalog."C",
    held_until bigint,
    backfill_read bigint,
    backfill_left bigint,
    recovered bigint,
    recovered_at bigint,
    notified_until bigint,
    notes text,
    CONSTRAINT source_backfill_left_check CHECK ((backfill_left >= 0)),
    CONSTRAINT source_backfill_read_check CHECK ((backfill_read >= 0)),
    CONSTRAINT source_check CHECK (((held_until IS NULL) = (holder IS NULL))),
    CONSTRAINT source_check1 CHECK (((backfill_left IS NULL) = (backfill_read IS NULL))),
    CONSTRAINT source_check2 CHECK (((recovered_at IS NULL) = (recovered IS NULL))),
    CONSTRAINT source_connection_check CHECK ((connection = ANY (ARRAY['connecting'::text, 'idling'::text, 'polling'::text, 'backing_off'::text, 'closed'::text]))),
    CONSTRAINT source_fence_check CHECK ((fence >= 0)),
    CONSTRAINT source_notes_check CHECK (((notes IS NULL) OR (jsonb_typeof((notes)::jsonb) = 'object'::text))),
    CONSTRAINT source_recovered_check CHECK ((recovered >= 0)),
    CONSTRAINT source_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'syncing'::text, 'idle'::text, 'gap_checking'::text, 'gap_syncing'::text, 'error'::text, 'retry_scheduled'::text])))
);
ALTER TABLE durable_mail.source ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME durable_mail.source_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE durable_mail.subscription (
    id bigint NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    workflow_id text NOT NULL COLLATE pg_catalog."C",
    node_id text NOT NULL COLLATE pg_catalog."C",
    source_id bigint NOT NULL,
    retry_delays_ms text NOT NULL,
    guarantee text NOT NULL,
    keep_content_ms bigint NOT NULL,
    retention_ms bigint NOT NULL,
    cursor text,
    created_at bigint NOT NULL,
    after_success text,
    when_dead text,
    node_name text,
    served_until bigint DEFAULT 0 NOT NULL,
    unserved_told smallint DEFAULT 0 NOT NULL,
    CONSTRAINT subscription_after_success_check CHECK ((jsonb_typeof((after_success)::jsonb) = 'object'::text)),
    CONSTRAINT subscription_guarantee_check CHECK ((guarantee = ANY (ARRAY['atLeastOnce'::text, 'atMostOnce'::text]))),
    CONSTRAINT subscription_keep_content_ms_check CHECK ((keep_content_ms >= 0)),
    CONSTRAINT subscription_retention_ms_check CHECK ((retention_ms >= 0)),
    CONSTRAINT subscription_retry_delays_ms_check CHECK ((jsonb_typeof((retry_delays_ms)::jsonb) = 'array'::text)),
    CONSTRAINT subscription_unserved_told_check CHECK ((unserved_told = ANY (ARRAY[0, 1, 2]))),
    CONSTRAINT subscription_when_dead_check CHECK ((jsonb_typeof((when_dead)::jsonb) = 'object'::text))
);
ALTER TABLE durable_mail.subscription ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME durable_mail.subscription_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (1, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', 2111167171246);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (2, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', 2111167171295);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (3, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (6, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (8, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (10, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (11, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (12, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (13, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (15, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (17, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (18, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.content (message_id, gzip, drop_at) VALUES (19, '\x1f8b08000000000004030b2e4dca4a4d2eb152c848cdc9c9e7e5e2e5cac80400fee4f25b14000000', NULL);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (1, '01a21e72-d26f-7a10-a6e0-1ce20f26b064', 1, 1, 'uid:1:1:INBOX', 'soft INBOX 1', '5b5b6bbece442f4091742bc04432cf1fa947789e', 'DONE', 1, 0, NULL, NULL, '01a21e72-d291-7ed3-8b1e-51cb5b92ab94', '100', NULL, 1795807171159, 1795807171223, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (2, '01a21e72-d26f-7736-855d-e25e5a172b7b', 2, 1, 'uid:1:1:INBOX', 'soft INBOX 1', '8f6b5b0539841f6d2b93b61bf0b2e07695f387a3', 'DONE', 1, 0, NULL, NULL, '01a21e72-d2a6-74b9-86b6-deae32e4ba43', '100', NULL, 1795807171159, 1795807171246, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (3, '01a21e72-d2ce-72ae-a781-71e0b5767de9', 2, 2, 'uid:1:2:INBOX', 'soft INBOX 2', '86c0d354f31232167fb0d09e0819a455645aa55f', 'DONE', 1, 0, NULL, NULL, '01a21e72-d2d5-7b58-af33-ca836adcd1df', '100', NULL, 1795807171263, 1795807171295, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (4, '01a21e72-d2f3-76ec-9720-6c8c51d38105', 2, 3, 'uid:1:3:INBOX', 'soft INBOX 3', 'f21f3006ba6038d7c91482c054a7aa9672ba3abf', 'DEAD', 1, 1, NULL, NULL, '01a21e72-d2fe-7069-85da-c348f74b1773', '100', 'Send Mail: it broke', 1795807171313, 1795807171333, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (6, '01a21e72-d340-72a3-bc12-26913e4b9055', 1, 5, 'uid:1:5:INBOX', 'soft INBOX 5', '4fbdb3cee8a76977011b14468efd304ab8f02c06', 'DONE', 1, 0, NULL, NULL, '01a21e72-d352-7bd5-9a99-2c3b9137ceed', '100', NULL, 1795807171383, 1795807171422, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (10, '01a21e72-d371-7754-bf0e-0525f173b36a', 1, 7, 'uid:1:7:INBOX', 'soft INBOX 7', '29a69a63ddc8ab7e1f6460b42d39c93e189e5688', 'GONE', 0, 0, NULL, NULL, NULL, NULL, NULL, 1795807171436, 1795807171436, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (7, '01a21e72-d371-7bc9-82bc-977c10ff87d9', 2, 5, 'uid:1:5:INBOX', 'soft INBOX 5', 'b615530bd1461dbe4126873d9918ec5fe223100f', 'PENDING', 0, 0, 1795807221436, NULL, NULL, NULL, NULL, 1795807171436, NULL, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (9, '01a21e72-d371-750f-afd4-3c231d0added', 2, 6, 'uid:1:6:INBOX', 'soft INBOX 6', '3d7108011889cb4460d2896a0b7d9e4e686d82c9', 'PENDING', 0, 0, 1795807221436, NULL, NULL, NULL, NULL, 1795807171436, NULL, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (8, '01a21e72-d371-7a3a-a21c-0a22aea2e51c', 1, 6, 'uid:1:6:INBOX', 'soft INBOX 6', '616167b38c28446d7a241c4310736a481ed38b69', 'RETRY', 1, 1, 1795807203126, NULL, '01a21e72-d3a0-7d0d-b42f-00eae77ad205', '100', 'Send Mail: it broke', 1795807171436, NULL, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (11, '01a21e72-d383-7aed-baf7-22abc06c96fa', 1, 8, 'uid:1:8:INBOX', 'soft INBOX 8', '5dd046946cf68b54b2439744e098c10f600f8705', 'RETRY', 1, 1, 1795807203773, NULL, '01a21e72-d3a0-7567-ab13-d894721791ce', '100', 'Send Mail: it broke', 1795807171444, NULL, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (12, '01a21e72-d3eb-79b2-a52c-d3098cebb89c', 1, 9, 'uid:1:9:INBOX', 'soft INBOX 9', '1f909adc3faa8adf5a560b3f04246848942c287e', 'QUEUED', 2, 0, NULL, 1795807201604, '01a21e72-d41c-70a8-88ce-91e97af08975', NULL, NULL, 1795807171548, NULL, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (13, '01a21e72-d40f-7f41-877d-e96ee9829b4e', 1, 10, 'uid:1:10:INBOX', 'soft INBOX 10', '472e7dd860b4c25f7f57c3dc12d36fe0a9c24882', 'QUEUED', 1, 0, NULL, 1795807201604, '01a21e72-d41c-791a-a944-c6f5e723f5bf', NULL, NULL, 1795807171591, NULL, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (14, '01a21e72-d432-767f-9b56-95542bb907c0', 1, 11, 'uid:1:11:INBOX', 'soft INBOX 11', '6380f006e3349b533ea00714118327513bef9c69', 'RUNNING', 1, 0, NULL, 1795807201668, '01a21e72-d448-7ff0-9226-a5d5d44b7d84', '111', NULL, 1795807171629, NULL, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (16, '01a21e72-d48a-74ed-9e1a-61b46c52e3f7', 3, 13, 'uid:1:2:Support', 'soft Support 2', 'abfafd457ce62ecb16d10622b527b83238fb2d16', 'DEAD', 1, 1, NULL, NULL, '01a21e72-d48f-7c83-82a5-5c79975181a1', '100', 'Send Mail: it broke', 1795807171720, 1795807171730, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (15, '01a21e72-d470-74bb-ac77-4bd9f129ba67', 3, 12, 'uid:1:1:Support', 'soft Support 1', 'd73eed562bd9ae720e7e149340016634c646e97d', 'UNKNOWN', 1, 1, NULL, NULL, '01a21e72-d477-7019-be1c-b96465516943', '201', 'The run did not end: the process that ran it stopped or stalled.', 1795807171692, 1795807171714, 1795807171731, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (17, '01a21e72-d496-7c40-93cb-7a15b253bbc1', 3, 14, 'uid:1:3:Support', 'soft Support 3', 'd57bdc27358c605a346a547313925649772b2408', 'DONE', 1, 0, NULL, NULL, '01a21e72-d49f-7b6f-afec-e27ce8d7f17e', '100', NULL, 1795807171732, 1795807171747, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (19, '01a21e72-d4a9-74a5-bc44-c568458f4ef6', 5, 15, 'uid:1:4:Support', 'soft Support 4', 'ad3ab7e021de57784d487bf0b1392563f0287fc7', 'PENDING', 0, 0, 1795807171750, NULL, NULL, NULL, NULL, 1795807171750, NULL, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (18, '01a21e72-d4a9-7039-a286-228bdf23d381', 3, 15, 'uid:1:4:Support', 'soft Support 4', 'ef9e341cf0a7059eda9f58e4921e5c897fb88825', 'RUNNING', 1, 0, NULL, 1795807201767, '01a21e72-d4b4-7b7d-a72b-fdb9b97caa28', '204', NULL, 1795807171750, NULL, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (20, '01a21e72-d4c3-7015-9c71-5397c88ab6f4', 4, 16, 'gmail:m1', 'soft gmail 1', '03bd46cda52e7a9f108e932eb3931aa09d9962fd', 'DONE', 1, 0, NULL, NULL, '01a21e72-d4c9-7de1-b381-8239ff6e68b2', '100', NULL, 1795807171773, 1795807171792, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (21, '01a21e72-d4de-7e0a-8376-d7ff3d4df7a7', 4, 17, 'gmail:m2', 'soft gmail 2', 'ce0f2ab329e86e4e08c29f5e48d820fb6d3c7c96', 'DEAD', 2, 2, NULL, NULL, '01a21e72-d500-7eb6-9966-7f51ce03f926', '100', 'Send Mail: it broke', 1795807171800, 1795807171855, NULL, 0, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (22, '01a21e72-d520-7c86-b91d-740a74c01369', 4, 18, 'gmail:m3', 'soft gmail 3', '5e565fab5cd6e7ff6f5f77ee56a972d25834a153', 'PENDING', 1, 0, 1795807173886, NULL, NULL, NULL, 'The worker did not know the ledger.', 1795807171862, NULL, NULL, 1, true);
INSERT INTO durable_mail.event (seq, id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, created_at, settled_at, reported_at, unclaimed, end_told) OVERRIDING SYSTEM VALUE VALUES (23, '01a21e72-d53f-785c-badc-9c7e0011914e', 4, 19, 'gmail:m4', 'soft gmail 4', '53365e3eb8dc96580588a8b91094d19d224cedc3', 'PENDING', 0, 0, 1795807171890, NULL, NULL, NULL, NULL, 1795807171890, NULL, NULL, 0, true);
INSERT INTO durable_mail.mail_action (id, source_id, subscription_id, message_id, event_id, ending, action, begun, due_at, last_error, last_error_at, created_at) OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 1, '01a21e72-d26f-7a10-a6e0-1ce20f26b064', 'DONE', '{"kind":"move","mailbox":"Done \"1\" é"}', 0, 1795799971223, NULL, NULL, 1795807171223);
INSERT INTO durable_mail.mail_action (id, source_id, subscription_id, message_id, event_id, ending, action, begun, due_at, last_error, last_error_at, created_at) OVERRIDING SYSTEM VALUE VALUES (2, 1, 2, 1, '01a21e72-d26f-7736-855d-e25e5a172b7b', 'DONE', '{"kind":"copy","mailbox":"Copies"}', 2, 1795810171262, 'There is still no mailbox Copies.', 1795807171262, 1795807171246);
INSERT INTO durable_mail.mail_action (id, source_id, subscription_id, message_id, event_id, ending, action, begun, due_at, last_error, last_error_at, created_at) OVERRIDING SYSTEM VALUE VALUES (4, 1, 2, 3, '01a21e72-d2f3-76ec-9720-6c8c51d38105', 'DEAD', '{"kind":"markRead"}', 1, 1795807201338, NULL, NULL, 1795807171333);
INSERT INTO durable_mail.mail_action (id, source_id, subscription_id, message_id, event_id, ending, action, begun, due_at, last_error, last_error_at, created_at) OVERRIDING SYSTEM VALUE VALUES (5, 1, 2, 4, '01a21e72-d30e-7e9b-832a-2cf3b90779e1', 'DONE', '{"kind":"copy","mailbox":"Copies"}', 0, 1795807171355, NULL, NULL, 1795807171355);
INSERT INTO durable_mail.mail_action (id, source_id, subscription_id, message_id, event_id, ending, action, begun, due_at, last_error, last_error_at, created_at) OVERRIDING SYSTEM VALUE VALUES (6, 1, 1, 5, '01a21e72-d340-72a3-bc12-26913e4b9055', 'DONE', '{"kind":"move","mailbox":"Done \"1\" é"}', 0, 1795807171422, NULL, NULL, 1795807171422);
INSERT INTO durable_mail.mail_action (id, source_id, subscription_id, message_id, event_id, ending, action, begun, due_at, last_error, last_error_at, created_at) OVERRIDING SYSTEM VALUE VALUES (8, 3, 3, 13, '01a21e72-d48a-74ed-9e1a-61b46c52e3f7', 'DEAD', '{"kind":"addKeyword","keyword":"failed"}', 0, 1795807171730, NULL, NULL, 1795807171730);
INSERT INTO durable_mail.mail_action (id, source_id, subscription_id, message_id, event_id, ending, action, begun, due_at, last_error, last_error_at, created_at) OVERRIDING SYSTEM VALUE VALUES (9, 3, 3, 14, '01a21e72-d496-7c40-93cb-7a15b253bbc1', 'DONE', '{"kind":"delete"}', 0, 1795807171747, NULL, NULL, 1795807171747);
INSERT INTO durable_mail.mail_action (id, source_id, subscription_id, message_id, event_id, ending, action, begun, due_at, last_error, last_error_at, created_at) OVERRIDING SYSTEM VALUE VALUES (10, 4, 4, 16, '01a21e72-d4c3-7015-9c71-5397c88ab6f4', 'DONE', '{"kind":"changeLabels","add":["Label_1"],"remove":["INBOX"]}', 0, 1795807171792, NULL, NULL, 1795807171792);
INSERT INTO durable_mail.mail_action (id, source_id, subscription_id, message_id, event_id, ending, action, begun, due_at, last_error, last_error_at, created_at) OVERRIDING SYSTEM VALUE VALUES (11, 4, 4, 17, '01a21e72-d4de-7e0a-8376-d7ff3d4df7a7', 'DEAD', '{"kind":"trash"}', 0, 1795807171855, NULL, NULL, 1795807171855);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'uid:1:1:INBOX', 'soft INBOX 1', '<1@INBOX>', 'bob@mail.example', 'Mail 1', 1, '1', 1700000000001, 1795807171159, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (2, 1, 'uid:1:2:INBOX', 'soft INBOX 2', '<2@INBOX>', 'bob@mail.example', 'Mail 2', 2, '1', 1700000000002, 1795807171263, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (3, 1, 'uid:1:3:INBOX', 'soft INBOX 3', '<3@INBOX>', 'bob@mail.example', 'Mail 3', 3, '1', 1700000000003, 1795807171313, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (4, 1, 'uid:1:4:INBOX', 'soft INBOX 4', '<4@INBOX>', 'bob@mail.example', 'Mail 4', 4, '1', 1700000000004, 1795807171339, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (5, 1, 'uid:1:5:INBOX', 'soft INBOX 5', '<5@INBOX>', 'bob@mail.example', 'Mail 5', 5, '1', 1700000000005, 1795807171383, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (6, 1, 'uid:1:6:INBOX', 'soft INBOX 6', '<6@INBOX>', 'bob@mail.example', 'Mail 6', 6, '1', 1700000000006, 1795807171436, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (7, 1, 'uid:1:7:INBOX', 'soft INBOX 7', '<7@INBOX>', 'bob@mail.example', 'Mail 7', 7, '1', 1700000000007, 1795807171436, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (8, 1, 'uid:1:8:INBOX', 'soft INBOX 8', '<8@INBOX>', 'bob@mail.example', 'Mail 8', 8, '1', 1700000000008, 1795807171444, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (9, 1, 'uid:1:9:INBOX', 'soft INBOX 9', '<9@INBOX>', 'bob@mail.example', 'Mail 9', 9, '1', 1700000000009, 1795807171548, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (10, 1, 'uid:1:10:INBOX', 'soft INBOX 10', '<10@INBOX>', 'bob@mail.example', 'Mail 10', 10, '1', 1700000000010, 1795807171591, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (11, 1, 'uid:1:11:INBOX', 'soft INBOX 11', '<11@INBOX>', 'bob@mail.example', 'Mail 11', 11, '1', 1700000000011, 1795807171629, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (12, 3, 'uid:1:1:Support', 'soft Support 1', '<1@Support>', 'bob@mail.example', 'Mail 1', 1, '1', 1700000000001, 1795807171692, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (13, 3, 'uid:1:2:Support', 'soft Support 2', '<2@Support>', 'bob@mail.example', 'Mail 2', 2, '1', 1700000000002, 1795807171720, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (14, 3, 'uid:1:3:Support', 'soft Support 3', '<3@Support>', 'bob@mail.example', 'Mail 3', 3, '1', 1700000000003, 1795807171732, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (15, 3, 'uid:1:4:Support', 'soft Support 4', '<4@Support>', 'bob@mail.example', 'Mail 4', 4, '1', 1700000000004, 1795807171750, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (16, 4, 'gmail:m1', 'soft gmail 1', '<1@gmail>', 'bob@mail.example', 'Mail 1', NULL, NULL, 1700000000001, 1795807171773, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (17, 4, 'gmail:m2', 'soft gmail 2', '<2@gmail>', 'bob@mail.example', 'Mail 2', NULL, NULL, 1700000000002, 1795807171800, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (18, 4, 'gmail:m3', 'soft gmail 3', '<3@gmail>', 'bob@mail.example', 'Mail 3', NULL, NULL, 1700000000003, 1795807171862, 22, NULL);
INSERT INTO durable_mail.message (id, source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, recorded_at, size, weak_identity) OVERRIDING SYSTEM VALUE VALUES (19, 4, 'gmail:m4', 'soft gmail 4', '<4@gmail>', 'bob@mail.example', 'Mail 4', NULL, NULL, 1700000000004, 1795807171890, 22, NULL);
INSERT INTO durable_mail.once_key (key, holder, lease_until, finish, keep_ms, finished_at, expires_at) VALUES ('held until success', 'run 111', 1795807201670, 'onSuccess', NULL, NULL, NULL);
INSERT INTO durable_mail.once_key (key, holder, lease_until, finish, keep_ms, finished_at, expires_at) VALUES ('held anyway', 'run 111', 1795807201672, 'anyway', NULL, NULL, NULL);
INSERT INTO durable_mail.once_key (key, holder, lease_until, finish, keep_ms, finished_at, expires_at) VALUES ('finished at once', 'run 100', NULL, 'anyway', NULL, 1795807171677, NULL);
INSERT INTO durable_mail.once_key (key, holder, lease_until, finish, keep_ms, finished_at, expires_at) VALUES ('finished by its run', 'run 99', NULL, 'onSuccess', 315360000000, 1795807171691, 2111167171691);
INSERT INTO durable_mail.ownership (one, ledger_id, owner, home, host, owned_at, said_at) VALUES (true, '0bb1fdfcb4cc2070fea47cac889f16ca', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'home before', 'host before', 1795807171058, 0);
INSERT INTO durable_mail.schema_version (version, one) VALUES (7, true);
INSERT INTO durable_mail.seen (subscription_id, key) VALUES (2, 'uid:1:4:INBOX');
INSERT INTO durable_mail.seen (subscription_id, key) VALUES (2, 'soft INBOX 4');
INSERT INTO durable_mail.source (id, kind, account, mailbox, state, connection, last_success_at, last_error_at, last_error, fence, holder, held_until, backfill_read, backfill_left, recovered, recovered_at, notified_until, notes) OVERRIDING SYSTEM VALUE VALUES (3, 'imap', 'ann@mail.example', 'Support', 'pending', 'closed', NULL, NULL, NULL, 1, 'the process before', 1795807201156, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO durable_mail.source (id, kind, account, mailbox, state, connection, last_success_at, last_error_at, last_error, fence, holder, held_until, backfill_read, backfill_left, recovered, recovered_at, notified_until, notes) OVERRIDING SYSTEM VALUE VALUES (1, 'imap', 'ann@mail.example', 'INBOX', 'idle', 'idling', NULL, 1795807171918, 'The server said no, once.', 1, 'the process before', 1795807201151, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO durable_mail.source (id, kind, account, mailbox, state, connection, last_success_at, last_error_at, last_error, fence, holder, held_until, backfill_read, backfill_left, recovered, recovered_at, notified_until, notes) OVERRIDING SYSTEM VALUE VALUES (4, 'gmail', 'ann@gmail.example', 'All Mail', 'syncing', 'polling', 1795807171917, NULL, NULL, 1, 'the process before', 1795807201158, 4, 36, 2, 1795807171917, 1800000000000, '{"seen":{"told":true}}');
INSERT INTO durable_mail.subscription (id, key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, cursor, created_at, after_success, when_dead, node_name, served_until, unserved_told) OVERRIDING SYSTEM VALUE VALUES (1, '["orders","trigger","[\"imap\",\"ann@mail.example\",\"INBOX\"]"]', 'orders', 'trigger', 1, '[30000,60000]', 'atLeastOnce', 0, 315360000000, '{"uidValidity":"1","uid":11}', 1795807171095, '{"kind":"move","mailbox":"Done \"1\" é"}', '{"kind":"flag"}', 'Trigger', 1795812571095, 0);
INSERT INTO durable_mail.subscription (id, key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, cursor, created_at, after_success, when_dead, node_name, served_until, unserved_told) OVERRIDING SYSTEM VALUE VALUES (2, '["copies","trigger","[\"imap\",\"ann@mail.example\",\"INBOX\"]"]', 'copies', 'trigger', 1, '[]', 'atLeastOnce', 315360000000, 315360000000, '{"uidValidity":"1","uid":9}', 1795807171111, '{"kind":"copy","mailbox":"Copies"}', '{"kind":"markRead"}', 'Trigger', 1795812571111, 0);
INSERT INTO durable_mail.subscription (id, key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, cursor, created_at, after_success, when_dead, node_name, served_until, unserved_told) OVERRIDING SYSTEM VALUE VALUES (3, '["once","trigger","[\"imap\",\"ann@mail.example\",\"Support\"]"]', 'once', 'trigger', 3, '[]', 'atMostOnce', 0, 315360000000, '{"uidValidity":"1","uid":4}', 1795807171118, '{"kind":"delete"}', '{"kind":"addKeyword","keyword":"failed"}', 'Trigger', 1795812571118, 0);
INSERT INTO durable_mail.subscription (id, key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, cursor, created_at, after_success, when_dead, node_name, served_until, unserved_told) OVERRIDING SYSTEM VALUE VALUES (5, '["left","gone","[\"imap\",\"ann@mail.example\",\"Support\"]"]', 'left', 'gone', 3, '[]', 'atLeastOnce', 0, 315360000000, NULL, 1795807171139, NULL, NULL, 'Trigger', 1795807171772, 0);
INSERT INTO durable_mail.subscription (id, key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, cursor, created_at, after_success, when_dead, node_name, served_until, unserved_told) OVERRIDING SYSTEM VALUE VALUES (4, '["gmail","trigger","[\"gmail\",\"ann@gmail.example\",\"All Mail\"]"]', 'gmail', 'trigger', 4, '[30000]', 'atLeastOnce', 0, 315360000000, '{"historyId":"4711","syncedAt":1700000000000,"from":1600000000000,"fillLabel":0,"fillPage":"page 2","fillCounted":4,"fillRead":4,"fillTotal":40}', 1795807171130, '{"kind":"changeLabels","add":["Label_1"],"remove":["INBOX"]}', '{"kind":"trash"}', 'Trigger', 1795812571130, 0);
SELECT pg_catalog.setval('durable_mail.event_seq_seq', 23, true);
SELECT pg_catalog.setval('durable_mail.mail_action_id_seq', 11, true);
SELECT pg_catalog.setval('durable_mail.message_id_seq', 19, true);
SELECT pg_catalog.setval('durable_mail.source_id_seq', 5, true);
SELECT pg_catalog.setval('durable_mail.subscription_id_seq', 5, true);
ALTER TABLE ONLY durable_mail.content
    ADD CONSTRAINT content_pkey PRIMARY KEY (message_id);
ALTER TABLE ONLY durable_mail.event
    ADD CONSTRAINT event_id_key UNIQUE (id);
ALTER TABLE ONLY durable_mail.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY durable_mail.event
    ADD CONSTRAINT event_subscription_id_identity_key UNIQUE (subscription_id, identity);
ALTER TABLE ONLY durable_mail.mail_action
    ADD CONSTRAINT mail_action_event_id_ending_key UNIQUE (event_id, ending);
ALTER TABLE ONLY durable_mail.mail_action
    ADD CONSTRAINT mail_action_pkey PRIMARY KEY (id);
ALTER TABLE ONLY durable_mail.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (id);
ALTER TABLE ONLY durable_mail.message
    ADD CONSTRAINT message_source_id_identity_key UNIQUE (source_id, identity);
ALTER TABLE ONLY durable_mail.once_key
    ADD CONSTRAINT once_key_pkey PRIMARY KEY (key);
ALTER TABLE ONLY durable_mail.ownership
    ADD CONSTRAINT ownership_pkey PRIMARY KEY (one);
ALTER TABLE ONLY durable_mail.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (one);
ALTER TABLE ONLY durable_mail.seen
    ADD CONSTRAINT seen_pkey PRIMARY KEY (subscription_id, key);
ALTER TABLE ONLY durable_mail.source
    ADD CONSTRAINT source_kind_account_mailbox_key UNIQUE (kind, account, mailbox);
ALTER TABLE ONLY durable_mail.source
    ADD CONSTRAINT source_pkey PRIMARY KEY (id);
ALTER TABLE ONLY durable_mail.subscription
    ADD CONSTRAINT subscription_key_key UNIQUE (key);
ALTER TABLE ONLY durable_mail.subscription
    ADD CONSTRAINT subscription_pkey PRIMARY KEY (id);
CREATE INDEX content_drop ON durable_mail.content USING btree (drop_at) WHERE (drop_at IS NOT NULL);
CREATE INDEX event_due ON durable_mail.event USING btree (subscription_id, due_at, seq) WHERE (due_at IS NOT NULL);
CREATE INDEX event_leased ON durable_mail.event USING btree (subscription_id, lease_until) WHERE (lease_until IS NOT NULL);
CREATE INDEX event_message ON durable_mail.event USING btree (message_id);
CREATE INDEX event_settled ON durable_mail.event USING btree (subscription_id, settled_at) WHERE (settled_at IS NOT NULL);
CREATE UNIQUE INDEX event_soft_identity ON durable_mail.event USING btree (subscription_id, soft_identity) WHERE (soft_identity IS NOT NULL);
CREATE INDEX event_state ON durable_mail.event USING btree (state, seq) WHERE (state <> 'DONE'::text);
CREATE INDEX event_unclaimed ON durable_mail.event USING btree (subscription_id) WHERE ((unclaimed > 0) AND (due_at IS NOT NULL));
CREATE INDEX event_unreported ON durable_mail.event USING btree (subscription_id, seq) WHERE ((state = ANY (ARRAY['DEAD'::text, 'UNKNOWN'::text])) AND (reported_at IS NULL));
CREATE INDEX mail_action_due ON durable_mail.mail_action USING btree (source_id, due_at);
CREATE INDEX mail_action_message ON durable_mail.mail_action USING btree (message_id);
CREATE INDEX message_weak_identity ON durable_mail.message USING btree (source_id, weak_identity) WHERE (weak_identity IS NOT NULL);
CREATE INDEX once_key_expiry ON durable_mail.once_key USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX once_key_held ON durable_mail.once_key USING btree (holder) WHERE (lease_until IS NOT NULL);
CREATE INDEX once_key_lease ON durable_mail.once_key USING btree (lease_until) WHERE (lease_until IS NOT NULL);
CREATE INDEX subscription_node ON durable_mail.subscription USING btree (workflow_id, node_id);
CREATE INDEX subscription_source ON durable_mail.subscription USING btree (source_id);
ALTER TABLE ONLY durable_mail.content
    ADD CONSTRAINT content_message_id_fkey FOREIGN KEY (message_id) REFERENCES durable_mail.message(id) ON DELETE CASCADE;
ALTER TABLE ONLY durable_mail.event
    ADD CONSTRAINT event_message_id_fkey FOREIGN KEY (message_id) REFERENCES durable_mail.message(id);
ALTER TABLE ONLY durable_mail.event
    ADD CONSTRAINT event_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES durable_mail.subscription(id);
ALTER TABLE ONLY durable_mail.mail_action
    ADD CONSTRAINT mail_action_message_id_fkey FOREIGN KEY (message_id) REFERENCES durable_mail.message(id);
ALTER TABLE ONLY durable_mail.mail_action
    ADD CONSTRAINT mail_action_source_id_fkey FOREIGN KEY (source_id) REFERENCES durable_mail.source(id);
ALTER TABLE ONLY durable_mail.message
    ADD CONSTRAINT message_source_id_fkey FOREIGN KEY (source_id) REFERENCES durable_mail.source(id);
ALTER TABLE ONLY durable_mail.seen
    ADD CONSTRAINT seen_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES durable_mail.subscription(id);
ALTER TABLE ONLY durable_mail.subscription
    ADD CONSTRAINT subscription_source_id_fkey FOREIGN KEY (source_id) REFERENCES durable_mail.source(id);
