SELECT paid_at, order_id, user_id, country, platform, amount_usd AS amount
FROM payment_log
WHERE status = 'paid'
